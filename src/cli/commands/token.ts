/** `logah token`: makes the tokens that callers of a server show. */

import { createHash, randomBytes } from 'node:crypto';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { Callers } from '../../server/security/callers-file';
import { formatScopes, parseScopes, SCOPE_WORDS } from '../../server/security/scopes';

/** Scanners for secrets that got into the wrong place know ours by it. */
const PREFIX = 'lgh_';

const TOKEN_BYTES = 32;

/** The command. */
export function tokenCommand(): Command {
  return new Command('token')
    .description(
      "make a token for a server's file of callers (--callers): prints the token, once, and the line for the file",
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['create']))
    .argument('<name>', 'whose it is')
    .requiredOption('--scopes <scopes...>', `what its holder may do: ${SCOPE_WORDS}`, appendScopes)
    .action((_: string, name: string, { scopes }: { scopes: string }) => {
      const token = `${PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
      const sha256 = createHash('sha256').update(token).digest('hex');
      const line = `${name}, sha256:${sha256}, ${formatScopes(parseScopes(scopes))}`;
      // A name that the file could not have is found here.
      Callers.parse(line);
      process.stdout.write(`${token}\n${line}\n`);
      process.stderr.write(
        'the first line is the token, which is not kept anywhere; the second is for the file of callers\n',
      );
    });
}

/** Several words, in one argument or in several. Throws commander's error for what is no scope. */
function appendScopes(word: string, before: string | undefined): string {
  const scopes = before === undefined ? word : `${before} ${word}`;
  try {
    parseScopes(scopes);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
  return scopes;
}
