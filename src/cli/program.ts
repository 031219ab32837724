import { Command } from 'commander';
import { adminCommand } from './commands/admin';
import { benchCommand } from './commands/bench';
import { checkCommand } from './commands/check';
import { completionCommand } from './commands/completion';
import { demoCommand } from './commands/demo';
import { exploreCommand } from './commands/explore';
import { graphCommand } from './commands/graph';
import { healthCommand } from './commands/health';
import { modelsCommand } from './commands/models';
import { packageVersion } from './package-paths';
import { planCommand } from './commands/plan';
import { predictCommand } from './commands/predict';
import { serveCommand } from './commands/serve';
import { tokenCommand } from './commands/token';

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
    exploreCommand(),
    modelsCommand(),
    healthCommand(),
    benchCommand(),
    checkCommand(),
    demoCommand(),
    tokenCommand(),
    adminCommand(),
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
