import { Command } from 'commander';
import { benchCommand } from './bench';
import { completionCommand } from './completion';
import { demoCommand } from './demo';
import { graphCommand } from './graph';
import { healthCommand } from './health';
import { modelsCommand } from './models';
import { packageVersion } from './package-paths';
import { planCommand } from './plan';
import { predictCommand } from './predict';
import { serveCommand } from './serve';

/** The command line. Wrong usage is thrown as a CommanderError when it has been told on standard error. */
export function createProgram(): Command {
  const program = new Command('logah')
    .description('initial parameters of neural networks, predicted from their architecture')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(see logah --help)');
  const commands = [
    serveCommand(),
    predictCommand(),
    planCommand(),
    graphCommand(),
    modelsCommand(),
    healthCommand(),
    benchCommand(),
    demoCommand(),
    completionCommand(),
  ];
  for (const command of commands) {
    program.addCommand(
      command
        .copyInheritedSettings(program)
        .version(packageVersion())
        .showHelpAfterError(`(see logah ${command.name()} --help)`),
    );
  }
  return program;
}
