// Renders the chart for every file of values in deploy/helm/logah/ci, and validates what comes out, the Kustomize overlays and
// the training jobs against Kubernetes' own schemas: check-deploy.mjs TOOLS [--write]
//
// TOOLS is the directory of scripts/cluster-tools.sh. The overlays hold what the chart renders: --write writes them anew.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { parseAllDocuments, stringify } from 'yaml';

const KUBERNETES_VERSIONS = ['1.33', '1.35'];
const root = fileURLToPath(new URL('..', import.meta.url));
const chart = join(root, 'deploy', 'helm', 'logah');
const [tools, ...flags] = process.argv.slice(2);
if (tools === undefined) throw new Error('check-deploy.mjs TOOLS [--write]');
const write = flags.includes('--write');
const work = mkdtempSync(join(tmpdir(), 'logah-deploy-'));
let faults = 0;

function run(tool, args) {
  const { status, stdout, stderr } = spawnSync(join(resolve(tools), tool), args, {
    encoding: 'utf8',
    cwd: root,
  });
  return { ok: status === 0, stdout, stderr };
}

function report(ok, name, detail = '') {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (ok) return;
  faults += 1;
  console.log(detail);
}

const parse = (text) => parseAllDocuments(text).flatMap((document) => document.toJS() ?? []);

/** Objects of Kubernetes itself; of others', the parts that are: pods and jobs. */
function known(object) {
  switch (object.kind) {
    case 'JobSet':
      return object.spec.replicatedJobs.map(({ name, template }) => ({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name },
        spec: template.spec,
      }));
    case 'PyTorchJob':
      return Object.entries(object.spec.pytorchReplicaSpecs).map(([name, { template }]) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: name.toLowerCase() },
        spec: template.spec,
      }));
    case 'ScaledObject':
    case 'ServiceMonitor':
    case 'PodMonitor':
    case 'Certificate':
      return [];
    default:
      return [object];
  }
}

function validate(name, objects) {
  const file = join(work, 'objects.yaml');
  writeFileSync(
    file,
    objects
      .flatMap(known)
      .map((object) => stringify(object))
      .join('---\n'),
  );
  for (const version of KUBERNETES_VERSIONS) {
    const { ok, stdout, stderr } = run('kubernetes-validate', ['-k', version, '--strict', file]);
    report(ok, `${name}, Kubernetes ${version}, ${objects.length} objects`, stdout + stderr);
  }
}

const render = (...args) => run('helm', ['template', 'logah', chart, '--namespace', 'logah', ...args]);

const lint = run('helm', ['lint', '--strict', chart]);
report(lint.ok, 'helm lint', lint.stdout + lint.stderr);
for (const name of readdirSync(join(chart, 'ci')).sort()) {
  const { ok, stdout, stderr } = render('--values', join(chart, 'ci', name));
  report(ok, `chart with ${name}`, stderr);
  if (ok) validate(`chart with ${name}`, parse(stdout));
}

/** What must not render, and what is said of it. */
const REFUSED = [
  ['tls.enabled=false', 'set plainText=true'],
  ['plainText=true', 'contradict each other'],
  ['variant=tpu', 'variant'],
  ['settings.ADDRESS=1', 'ADDRESS'],
  ['imagePullPolicy=Always', 'imagePullPolicy'],
  ['models.source=pvc', 'needs models.pvc.claimName'],
  ['tls.certManager.enabled=true', 'needs tls.certManager.issuerRef.name'],
  ['autoscaling.enabled=true,autoscaling.streamsPerPod=8', 'must be less than settings.MAX_STREAMS'],
  ['autoscaling.enabled=true,autoscaling.minReplicas=99', 'minReplicas is above'],
];
for (const [values, message] of REFUSED) {
  const { ok, stderr } = render('--set', values);
  report(!ok && stderr.includes(message), `chart refuses ${values}`, stderr);
}

/** Without what only Helm has a use for, and without a namespace: `kubectl --namespace` chooses it. */
function forKustomize(text) {
  const objects = parse(text).map((object) => {
    for (const labels of [object.metadata.labels, object.spec?.template?.metadata?.labels]) {
      if (labels === undefined) continue;
      delete labels['helm.sh/chart'];
      delete labels['app.kubernetes.io/managed-by'];
    }
    return object;
  });
  const head = '# Rendered from deploy/helm/logah by scripts/check-deploy.mjs --write.\n';
  return (
    head + objects.map((object) => stringify(object, { lineWidth: 120, singleQuote: true })).join('---\n')
  );
}

for (const variant of ['cpu', 'cuda']) {
  const { stdout } = render('--values', join(chart, 'ci', `kustomize-${variant}.yaml`));
  const path = join(root, 'deploy', 'kubernetes', variant, 'logah.yaml');
  const expected = forKustomize(stdout);
  if (write) writeFileSync(path, expected);
  report(
    readFileSync(path, 'utf8') === expected,
    `deploy/kubernetes/${variant} is what the chart renders`,
    'use --write',
  );
  const built = run('kubectl', ['kustomize', join(root, 'deploy', 'kubernetes', variant)]);
  report(built.ok, `kubectl kustomize deploy/kubernetes/${variant}`, built.stderr);
  if (built.ok) validate(`deploy/kubernetes/${variant}`, parse(built.stdout));
}

const training = join(root, 'deploy', 'training');
for (const name of readdirSync(training)
  .filter((file) => file.endsWith('.yaml'))
  .sort()) {
  validate(`deploy/training/${name}`, parse(readFileSync(join(training, name), 'utf8')));
}

rmSync(work, { recursive: true });
console.log(faults === 0 ? 'all objects are valid' : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
