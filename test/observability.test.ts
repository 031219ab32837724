/** The dashboard and the alerts in deploy/observability name what there is. `.ci/run` has Prometheus test the alerts. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { BUNDLE } from './support/parity-fixtures';
import { predictAll } from './support/predicted';
import { SMALL } from './support/requests';
import { startServer } from './support/server-process';

const ROOT = join(__dirname, '..');
const DIRECTORY = join(ROOT, 'deploy', 'observability');

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

const { rules } = (parse(readFileSync(join(DIRECTORY, 'alerts.yaml'), 'utf8')) as Alerts).groups[0] ?? {
  rules: [],
};
const dashboard = readFileSync(join(DIRECTORY, 'dashboard.json'), 'utf8');
const operations = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');

/** Metrics that appear only with certificates, or callers that have names. */
const OF_SECURITY = ['logah_certificate_expiry_timestamp_seconds'];

it('every alert has a runbook, and every runbook an alert', () => {
  const runbooks = [...operations.matchAll(/^### (Logah\w+)$/gm)].map(([, name]) => name);
  expect(rules.map(({ alert }) => alert)).toEqual(runbooks);
  for (const { alert, annotations } of rules) {
    expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(annotations.summary).toBeTruthy();
  }
});

it('every metric that is watched or documented is one that a server has', async () => {
  const server = await startServer({ models: BUNDLE, flags: ['--metrics-address', '127.0.0.1:0'] });
  const { metrics } = await server.logged('listening');
  await predictAll(server.client, SMALL);
  await server.logged('call');
  const text = await (await fetch(`http://${String(metrics)}/metrics`)).text();
  await server.stop();
  const known = new Set([...OF_SECURITY, ...[...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)]);
  const named = (source: string): string[] =>
    [...source.matchAll(/\b(?:logah|grpc_server|process|nodejs)_[a-z0-9_]+[a-z0-9]\b/g)].map(
      ([name]) => name,
    );
  const watched = [...rules.map(({ expr }) => expr), dashboard, operations].flatMap(named);
  const base = (name: string): string =>
    known.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
  expect(watched.map(base).filter((name) => !known.has(name))).toEqual([]);
  const documented = new Set(named(operations));
  const ours = [...known].filter((name) => /^(?:logah|grpc)_/.test(name ?? ''));
  expect(ours.filter((name) => name !== undefined && !documented.has(name))).toEqual([]);
});
