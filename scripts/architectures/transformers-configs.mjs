// What the front-ends of transformers configurations make of every family, as the golden graphs show it.
import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureGraph } from '../../dist/architecture/index.js';
import { families } from '../../dist/architecture/transformers/families.js';
import { COMMON_RESTRICTIONS } from '../../dist/architecture/transformers/family.js';
import { SETTINGS } from '../../dist/config/server-settings.js';
import { graphSize } from '../../dist/graph/limits.js';
import { code, list, table } from './markdown.mjs';

const NO_LIMITS = { maxNodes: 1e6, maxParameters: Number.MAX_SAFE_INTEGER };

export function transformersConfigs(root) {
  return [
    '## transformers configurations',
    'Names, shapes and order of the parameters are those of the class in transformers; the first class of a family is ' +
      'meant where the configuration names none. "Predicted (`conv`)" is by the hypernetwork, from a node of that ' +
      'operation; a table of tokens that the head shares is a linear layer, `conv`. Refused everywhere: other classes, and',
    list(COMMON_RESTRICTIONS.map(restrictionText)),
    ...families.flatMap((family) => familySection(root, family)),
    '### Published sizes',
    `Configurations in ${code('examples/architectures')}. By default a server allows ${number(SETTINGS.maxNodes.default)} nodes ` +
      `(${code('--max-nodes')}) and ${number(SETTINGS.maxParameters.default)} parameters (${code('--max-parameters')}).`,
    sizes(root),
  ];
}

function familySection(root, family) {
  const [first, ...others] = family.heads;
  const graphs = goldenGraphs(root, family.modelType).filter(({ name }) => name === first.architecture);
  return [
    `### ${family.modelType}`,
    ...(family.restrictions.length > 0 ? ['Refused:', list(family.restrictions.map(restrictionText))] : []),
    ...classSection(first.architecture, graphs),
    ...(others.length > 0
      ? [
          'Other classes, and what each has beside the body:',
          list(others.map((head) => otherClass(family, head))),
        ]
      : []),
  ];
}

/** What a class has that the first of its family has not, names of the body aside. */
function otherClass(family, head) {
  const [first] = family.heads;
  const body = new Set(bodyNames(defaultGraph(family, first), first.prefix));
  const graph = defaultGraph(family, head);
  const parameters = graph.parameters.filter(({ name }) => {
    const inBody = name.startsWith(head.prefix) ? name.slice(head.prefix.length) : undefined;
    return inBody === undefined || !body.has(inBody);
  });
  const rows = parameterRows([{ ...graph, parameters }]).map(([name, values]) => `${name} ${values}`);
  return `${code(head.architecture)}${rows.length > 0 ? `: ${rows.join(', ')}` : ''}`;
}

function bodyNames({ parameters }, prefix) {
  return parameters.flatMap(({ name }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** Of a configuration that says nothing else. */
function defaultGraph({ modelType }, { architecture }) {
  const config = JSON.stringify({ model_type: modelType, architectures: [architecture] });
  return architectureGraph({ transformersConfig: Buffer.from(config) }, NO_LIMITS);
}

function classSection(architecture, graphs) {
  const operations = new Set(graphs.flatMap((graph) => graph.nodes.map((node) => node.operation)));
  return [
    `${code(architecture)}, of the operations ${[...operations].sort().map(code).join(', ')}:`,
    table(['Parameter', 'Values'], parameterRows(graphs)),
  ];
}

/** In the order of the state dict, with * for a layer's number, over all configurations of a class. */
function parameterRows(graphs) {
  const rows = [];
  // The first has the most, so that the others have little to insert.
  const sorted = [...graphs].sort((a, b) => b.parameters.length - a.parameters.length);
  for (const graph of sorted) {
    const seen = new Set();
    let position = 0;
    for (const parameter of graph.parameters) {
      const name = parameter.name.replace(/\.\d+\./, '.*.');
      let index = rows.findIndex((row) => row.name === name);
      if (index === -1) rows.splice((index = position), 0, { name, values: new Set(), graphs: 0 });
      if (!seen.has(name)) rows[index].graphs += 1;
      seen.add(name);
      rows[index].values.add(originText(graph, parameter));
      position = index + 1;
    }
  }
  const texts = rows.map((row) => ({
    name: row.name,
    values: [...row.values].sort().join('; or '),
    rare: row.graphs < graphs.length,
  }));
  return weightsWithBiases(texts).map(({ name, values, rare }) => [
    code(name),
    rare ? `${values}; where the configuration has it` : values,
  ]);
}

/** A weight and its bias in one row, where both are just predicted. */
function weightsWithBiases(rows) {
  return rows.flatMap((row, index) => {
    const [weight, bias] = row.name.endsWith('.bias') ? [rows[index - 1], row] : [row, rows[index + 1]];
    if (bias === undefined || weight?.name.replace(/weight$/, 'bias') !== bias.name) return [row];
    const [first, second] = [weight, bias].map(({ values }) => /^predicted \((`\w+`)\)$/.exec(values)?.[1]);
    if (first === undefined || second === undefined) return [row];
    if (row === bias) return [];
    const name = weight.name.replace(/weight$/, '{weight,bias}');
    const operations = first === second ? first : `${first}, ${second}`;
    const values = `predicted (${operations})${bias.rare && !weight.rare ? '; the bias where the configuration has it' : ''}`;
    return [{ name, values, rare: weight.rare }];
  });
}

function originText(graph, { axis, blocks, tiedTo }) {
  if (tiedTo !== undefined) return `tied to ${code(tiedTo)}`;
  const parts = blocks.map(({ origin }) => {
    if (origin.kind === 'initialization') return `by rule: ${origin.rule.replaceAll('_', ' ')}`;
    return `predicted (${code(graph.nodes[origin.node].operation)})`;
  });
  const different = parts.filter((part, index) => part !== parts[index - 1]);
  return different.length === 1 ? different[0] : `along dimension ${axis}, ${different.join(', then ')}`;
}

function restrictionText({ field, allowed, reason }) {
  const values = allowed.map((value) => code(JSON.stringify(value)));
  return `${code(field)}${values.length > 0 ? ` other than ${values.join(' or ')}` : ''}: ${reason}`;
}

function goldenGraphs(root, modelType) {
  const directory = join(root, 'test', 'fixtures', 'graphs');
  return readdirSync(directory)
    .filter((file) => file.endsWith('.config.json'))
    .map((file) => readConfig(join(directory, file)))
    .filter(({ family }) => family === modelType);
}

function sizes(root) {
  const directory = join(root, 'examples', 'architectures');
  const rows = readdirSync(directory).map((name) => {
    const { nodes, tensors, elements } = graphSize(readConfig(join(directory, name, 'config.json')));
    const beyond = nodes > SETTINGS.maxNodes.default || elements > SETTINGS.maxParameters.default;
    return [
      beyond ? `${name}, beyond the default limits` : name,
      number(elements),
      number(tensors),
      number(nodes),
    ];
  });
  return table(['Network', 'Parameters', 'Tensors', 'Nodes'], rows);
}

function readConfig(path) {
  return architectureGraph({ transformersConfig: readFileSync(path) }, NO_LIMITS);
}

function number(value) {
  return Number(value).toLocaleString('en-US');
}
