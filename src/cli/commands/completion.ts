/** `logah completion`: prints a script that completes commands, flags and their choices in a shell. */

import { Argument, Command } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const HOW = `
to use it, for instance:
  bash  logah completion bash > ~/.local/share/bash-completion/completions/logah
  zsh   logah completion zsh > "\${fpath[1]}/_logah"
  fish  logah completion fish > ~/.config/fish/completions/logah.fish
`;

/** The command; it describes the program that it belongs to. */
export function completionCommand(): Command {
  const command = new Command('completion')
    .description('print a script that completes commands and flags in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', HOW);
  return command.action((shell: Shell) => {
    process.stdout.write(SCRIPTS[shell](wordsOf(command.parent ?? command)));
  });
}

/** What can follow the name of a command. */
interface Words {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly Flag[];
  readonly takesFile: boolean;
}

interface Flag {
  readonly long: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

function wordsOf(program: Command): readonly Words[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    takesFile: command.registeredArguments.some(({ argChoices }) => argChoices === undefined),
    flags: [
      ...command
        .createHelp()
        .visibleOptions(command)
        .map((option) => ({
          long: option.long ?? '',
          description: firstWords(option.description),
          takesValue: option.required || option.optional,
          choices: option.argChoices ?? [],
        })),
      ...command.registeredArguments.flatMap(({ argChoices }) =>
        (argChoices ?? []).map((choice) => ({
          long: choice,
          description: '',
          takesValue: false,
          choices: [],
        })),
      ),
    ],
  }));
}

/** A description up to its details, without what a shell would read as its own. */
function firstWords(description: string): string {
  return description
    .replace(/[;(].*$/s, '')
    .replace(/[^\w\s,.%*/^-]/g, ' ')
    .trim();
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Words[]) => string>> = { bash, zsh, fish };

function bash(commands: readonly Words[]): string {
  const cases = commands.flatMap(({ name, flags }) => [
    ...flags
      .filter(({ choices }) => choices.length > 0)
      .map(({ long, choices }) => `    "${name} ${long}") words="${choices.join(' ')}" ;;`),
    ...flags
      .filter(({ takesValue, choices }) => takesValue && choices.length === 0)
      .map(({ long }) => `    "${name} ${long}") return ;;`),
    `    "${name} "*) words="${flags.map(({ long }) => long).join(' ')}" ;;`,
  ]);
  return `# Completes logah in bash; where nothing fits, files.
_logah() {
  local current=\${COMP_WORDS[COMP_CWORD]} words
  if ((COMP_CWORD == 1)); then
    words="${commands.map(({ name }) => name).join(' ')} --help --version"
  else
    case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD - 1]}" in
${cases.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _logah logah
`;
}

function zsh(commands: readonly Words[]): string {
  const names = commands.map(({ name, description }) => `    '${name}:${firstWords(description)}'`);
  const cases = commands.map(({ name, flags, takesFile }) => {
    const specs = flags
      .filter(({ long }) => long.startsWith('--'))
      .map(({ long, description, takesValue, choices }) => {
        const value =
          choices.length > 0 ? `:value:(${choices.join(' ')})` : takesValue ? ':value:_files' : '';
        return `'${long}[${description}]${value}'`;
      });
    const words = flags.filter(({ long }) => !long.startsWith('--')).map(({ long }) => long);
    const argument = takesFile
      ? ["'*:file:_files'"]
      : words.length > 0
        ? [`':word:(${words.join(' ')})'`]
        : [];
    return `    ${name}) _arguments ${[...specs, ...argument].join(' ')} ;;`;
  });
  return `#compdef logah
# Completes logah in zsh.
_logah() {
  local -a commands=(
${names.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
_logah "$@"
`;
}

function fish(commands: readonly Words[]): string {
  const lines = commands.flatMap(({ name, description, flags, takesFile }) => {
    const here = `complete -c logah -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c logah -f -n __fish_use_subcommand -a ${name} -d '${firstWords(description)}'`,
      ...(takesFile ? [] : [`${here} -f`]),
      ...flags.map(({ long, description: text, takesValue, choices }) =>
        long.startsWith('--')
          ? `${here} -l ${long.slice(2)} -d '${text}'${
              choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : ''
            }`
          : `${here} -f -a ${long}`,
      ),
    ];
  });
  return `# Completes logah in fish.\n${lines.join('\n')}\n`;
}
