import { Command } from 'commander';
import { packageVersion } from './package-paths';

/** Each command brings a good part of the package with it, so none is loaded before it is known that it is needed. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.js')).serveCommand(),
  predict: async () => (await import('./commands/predict.js')).predictCommand(),
  plan: async () => (await import('./commands/plan.js')).planCommand(),
  graph: async () => (await import('./commands/graph.js')).graphCommand(),
  explore: async () => (await import('./commands/explore.js')).exploreCommand(),
  models: async () => (await import('./commands/models.js')).modelsCommand(),
  health: async () => (await import('./commands/health.js')).healthCommand(),
  bench: async () => (await import('./commands/bench.js')).benchCommand(),
  check: async () => (await import('./commands/check/index.js')).checkCommand(),
  demo: async () => (await import('./commands/demo/index.js')).demoCommand(),
  token: async () => (await import('./commands/token.js')).tokenCommand(),
  admin: async () => (await import('./commands/admin.js')).adminCommand(),
  completion: async () => (await import('./commands/completion.js')).completionCommand(),
};

/** These speak of all the others. */
const SPEAK_OF_ALL: ReadonlySet<string> = new Set(['completion']);

/**
 * The command line, with the command that the first word names, or with all of them where it names none. Wrong usage is
 * thrown as a CommanderError when it has been told on standard error.
 */
export async function createProgram(firstWord: string | undefined): Promise<Command> {
  const program = new Command('logah')
    .description('initial parameters of neural networks, predicted from their architecture')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(see logah --help)');
  for (const load of wanted(firstWord)) {
    const command = await load();
    program.addCommand(
      command
        .copyInheritedSettings(program)
        .version(packageVersion())
        .showHelpAfterError(`(see logah ${command.name()} --help)`),
    );
  }
  return program;
}

function wanted(word = ''): readonly (() => Promise<Command>)[] {
  const load = Object.hasOwn(COMMANDS, word) && !SPEAK_OF_ALL.has(word) ? COMMANDS[word] : undefined;
  return load === undefined ? Object.values(COMMANDS) : [load];
}
