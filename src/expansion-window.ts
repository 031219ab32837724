/** Rows of a factor and what they are expanded from, on the server as in the client. */

/** Rows `first` to `first + count` of a factor. */
export interface FactorRows {
  readonly first: number;
  readonly count: number;
}

/** What of the cores, and of what each core row is expanded to, some rows of a factor need. */
export interface ExpansionWindow {
  /** Core rows. */
  readonly firstRow: number;
  readonly rows: number;
  /** Numbers that each of them is expanded to. */
  readonly firstColumn: number;
  readonly columns: number;
  /** Where the rows of the factor begin in all that, core row behind core row, and their numbers. */
  readonly start: number;
  readonly elements: number;
}

/** Rows of a factor are numbers that lie one behind the other in what its core rows are expanded to, `ck` of each. */
export function expansionWindow(
  { first, count }: FactorRows,
  { ck, rank }: { readonly ck: number; readonly rank: number },
): ExpansionWindow {
  const start = first * rank;
  const elements = count * rank;
  const firstRow = Math.floor(start / ck);
  const rows = Math.floor((start + elements - 1) / ck) - firstRow + 1;
  const inRow = start - firstRow * ck;
  return rows === 1
    ? { firstRow, rows, firstColumn: inRow, columns: elements, start: 0, elements }
    : { firstRow, rows, firstColumn: 0, columns: ck, start: inRow, elements };
}
