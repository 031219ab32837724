// Original file: proto/logah/v1/logah.proto

import type { HeldResource as _logah_v1_HeldResource, HeldResource__Output as _logah_v1_HeldResource__Output } from '../../logah/v1/HeldResource';
import type { StageActivity as _logah_v1_StageActivity, StageActivity__Output as _logah_v1_StageActivity__Output } from '../../logah/v1/StageActivity';
import type { Long } from '@grpc/proto-loader';

export interface GetActivityResponse {
  'uptimeSeconds'?: (number | string);
  'held'?: (_logah_v1_HeldResource)[];
  'planningStreams'?: (number);
  'waitingStreams'?: (number);
  'runningJobs'?: (number);
  'waitingJobs'?: (number);
  'busyWorkers'?: (number);
  'workers'?: (number);
  'sentBytes'?: (number | string | Long);
  'sentElements'?: (number | string | Long);
  'startedCalls'?: (number | string | Long);
  'refusedCalls'?: (number | string | Long);
  'stages'?: (_logah_v1_StageActivity)[];
  'memoryBytes'?: (number | string | Long);
}

export interface GetActivityResponse__Output {
  'uptimeSeconds': (number);
  'held': (_logah_v1_HeldResource__Output)[];
  'planningStreams': (number);
  'waitingStreams': (number);
  'runningJobs': (number);
  'waitingJobs': (number);
  'busyWorkers': (number);
  'workers': (number);
  'sentBytes': (number);
  'sentElements': (number);
  'startedCalls': (number);
  'refusedCalls': (number);
  'stages': (_logah_v1_StageActivity__Output)[];
  'memoryBytes': (number);
}
