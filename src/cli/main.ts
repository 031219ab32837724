#!/usr/bin/env node
import { CommanderError } from 'commander';
import { printError } from './output/print-error';
import { createProgram } from './program';

/** Exit code of wrong usage. */
const USAGE = 2;

async function main(): Promise<void> {
  // A reader that has seen enough (`logah plan ... | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  try {
    await (await createProgram(process.argv[2])).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE;
    } else {
      process.exitCode = printError(error);
    }
  }
}

void main();
