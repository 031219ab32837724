/** The figures of a server that are read when somebody asks for its metrics. */

import type { Admission } from '../admission/admission';
import type { LiveModels } from '../models/live-models';
import type { PredictionService } from '../prediction-service';
import type { Metrics } from './metrics';

/** What is watched. */
export interface Watched {
  readonly admission: Admission;
  readonly models: LiveModels;
  readonly service: PredictionService;
}

/** Adds the figures of the parts of a server. */
export function watchServer(metrics: Metrics, { admission, models, service }: Watched): void {
  const sumOfPools = (figure: 'busy' | 'size' | 'running' | 'waiting'): number =>
    [...new Set(models.sets.flatMap(({ pools }) => [...pools]))].reduce((sum, pool) => sum + pool[figure], 0);
  metrics.gauge(
    'logah_streams',
    'Predict calls: all that are open, those that wait to be planned, and those that wait for memory.',
    'state',
    () => ({
      open: admission.predictions.used,
      planning: models.planning,
      waiting: service.usage.waitingStreams,
    }),
  );
  metrics.gauge(
    'logah_held',
    'What all calls together hold, by what there is a limit of.',
    'resource',
    () => ({
      connections: admission.connections.used,
      calls: admission.calls.used,
      streams: admission.predictions.used,
      request_bytes: admission.requestBytes.used,
      plan_bytes: admission.planBytes.used,
      tile_bytes: service.usage.tileBytes,
    }),
  );
  metrics.gauge('logah_held_limit', 'The limits of `logah_held`.', 'resource', () => ({
    connections: admission.connections.limit,
    calls: admission.calls.limit,
    streams: admission.predictions.limit,
    request_bytes: admission.requestBytes.limit,
    plan_bytes: admission.planBytes.limit,
    tile_bytes: admission.tileBytes,
  }));
  metrics.gauge(
    'logah_tiles',
    'Jobs for tiles that workers have, and those that wait for one.',
    'state',
    () => ({
      in_flight: sumOfPools('running'),
      waiting: sumOfPools('waiting'),
    }),
  );
  metrics.gauge('logah_workers', 'Workers of all sets of models that still answer calls.', 'state', () => ({
    busy: sumOfPools('busy'),
    idle: sumOfPools('size') - sumOfPools('busy'),
  }));
  metrics.total('logah_cache_requests_total', 'Requests to the caches.', ['cache', 'result'], () => {
    const { embeddings = ZERO, answers = ZERO } = service.usage.caches;
    return { embeddings: { ...embeddings }, answers: { ...answers } };
  });
  metrics.gauge(
    'logah_models',
    'Models that answer new calls, bundles that are broken, and earlier sets of models that calls in flight hold.',
    'state',
    () => ({
      serving: models.current.parts.length,
      broken: models.broken.length,
      earlier_sets: models.sets.length - 1,
    }),
  );
  metrics.gauge(
    'logah_models_current',
    'Whether what is served is what lies in the models directory: 1 or 0.',
    '',
    () => ({
      '': models.isWhole ? 1 : 0,
    }),
  );
  metrics.info('logah_model_info', 'The models that answer new calls.', ['model', 'fingerprint'], () =>
    models.current.parts.map(({ bundle: { manifest, fingerprint } }) => ({
      model: manifest.name,
      fingerprint,
    })),
  );
}

const ZERO = { hit: 0, miss: 0 };
