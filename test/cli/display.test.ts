import { formatBytes, formatCount, formatRate, formatSeconds } from '../../src/cli/output/format';
import { lineProgress } from '../../src/cli/output/progress';
import { left, renderTable, right } from '../../src/cli/output/table';

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [346_270_112, '346.3 MB'],
    [2e15, '2000.0 TB'],
  ])('%d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('counts, rates and durations with their units', () => {
    expect(formatCount(86_567_656)).toBe('86,567,656');
    expect(formatRate(5e6, 2)).toBe('2.5 MB/s');
    expect(formatRate(5e6, 0)).toBe('-');
    expect(formatSeconds(3.214)).toBe('3.21 s');
    expect(formatSeconds(75.2)).toBe('1 min 15 s');
  });
});

describe('progress outside a terminal', () => {
  it('is a plain line at most every second, and one at the end', () => {
    let now = 0;
    const lines: string[] = [];
    const progress = lineProgress({ write: (text) => lines.push(text) }, 'vit', () => now);
    progress.start(10_000_000);
    [
      [400, 1],
      [1100, 2],
      [1300, 3],
      [2000, 4],
      [2500, 5],
      [2600, 10],
    ].forEach(([ms = 0, megabytes = 0]) => {
      now = ms;
      progress.update(megabytes * 1e6);
    });
    progress.stop();
    expect(lines).toEqual([
      'vit: 20 %, 2.0 MB of 10.0 MB, 1.8 MB/s, ETA 5 s\n',
      'vit: 50 %, 5.0 MB of 10.0 MB, 2.0 MB/s, ETA 3 s\n',
      'vit: 100 %, 10.0 MB of 10.0 MB, 3.8 MB/s, ETA 0 s\n',
    ]);
  });
});

describe('a table', () => {
  it('has columns as wide as their longest cell and no spaces at line ends', () => {
    expect(
      renderTable(
        [left('a'), right('b'), left('c')],
        [
          ['xyz', '1', ''],
          ['', '1000'],
        ],
      ),
    ).toBe('a       b  c\nxyz     1\n     1000\n');
  });
});
