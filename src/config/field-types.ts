/** What a setting may be: text -> a checked value. */

import { z } from 'zod';

export const kilobytes = (count: number): number => count * 2 ** 10;

export const megabytes = (count: number): number => count * 2 ** 20;

/** `otherwise` is what is allowed beside the numbers, in words. */
export const count = (least: number, most: number, otherwise = ''): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d+$/, `must be ${otherwise}a whole number`)
    .transform(Number)
    .refine(
      (value) => value >= least && value <= most,
      `must ${otherwise && `be ${otherwise}`}lie between ${least} and ${most}`,
    );

/** The word `auto`, or what `numbers` takes, with its messages. */
export const autoOr = (numbers: z.ZodType<number, string>): z.ZodType<number | 'auto', string> =>
  z.string().transform((text, context) => {
    if (text === 'auto') return text;
    const result = numbers.safeParse(text);
    if (result.success) return result.data;
    for (const { message } of result.error.issues) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** HOST:PORT, an IPv6 host in brackets. */
export const address = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, { error: 'must be HOST:PORT', abort: true })
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65535, 'has a port above 65535');

export const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
