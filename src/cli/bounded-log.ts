/** The server's log on standard output, whose reader may be slow or stuck. */

import pino, { type Logger } from 'pino';

/** Bytes of lines that wait for the reader; what comes beyond them is lost, and counted. */
const MOST_WAITING = 4 * 2 ** 20;

/** Makes the log. Lines that are lost are told of as soon as there is room for that. */
export function boundedLog(level: string): Logger {
  const output = pino.destination({ dest: 1, sync: false, maxLength: MOST_WAITING });
  const logger = pino({ level, base: null }, output);
  let lost = 0;
  output.on('drop', () => lost++);
  output.on('drain', () => {
    const lines = lost;
    lost = 0;
    if (lines > 0) logger.warn({ lines }, 'lines of this log are lost: its reader was too slow');
  });
  return logger;
}
