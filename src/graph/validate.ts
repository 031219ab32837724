import type { ArchitectureGraph } from './graph';
import { checkLimits, graphSize, type GraphLimits } from './limits';
import { MAX_NAME } from './names';
import { validateEdges } from './validate-edges';
import { validateNodes } from './validate-nodes';
import { validateParameters } from './validate-parameters';
import { Violations } from './violations';

/**
 * Throws LogahError `invalid_argument` with a violation for each rule of the contract that the graph breaks. Takes
 * time in proportion to the graph. Operations are not checked: each model has its own (`unknownOperations`).
 */
export function validateGraph(graph: ArchitectureGraph, limits: GraphLimits): void {
  const violations = new Violations();
  checkLimits({ ...graphSize(graph), elements: 0 }, limits, 'architecture.graph', violations);
  violations.throwIfAny();
  if (graph.name.length > MAX_NAME) {
    violations.add('architecture.graph.name', `has ${graph.name.length} characters; at most ${MAX_NAME}`);
  }
  if (graph.family.length > MAX_NAME) {
    violations.add('architecture.graph.family', `has ${graph.family.length} characters; at most ${MAX_NAME}`);
  }
  const { initializerRange: range } = graph;
  if (range !== undefined && !(Number.isFinite(range) && range >= 0)) {
    violations.add('architecture.graph.initializer_range', `is ${range}; finite and at least 0 is allowed`);
  }
  validateNodes(graph.nodes, violations);
  validateEdges(graph, violations);
  validateParameters(graph, violations);
  violations.throwIfAny();
  checkLimits(graphSize(graph), limits, 'architecture.graph', violations);
  violations.throwIfAny();
}
