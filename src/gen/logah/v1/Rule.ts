// Original file: proto/logah/v1/architecture.proto

export const Rule = {
  RULE_UNSPECIFIED: 'RULE_UNSPECIFIED',
  RULE_ZEROS: 'RULE_ZEROS',
  RULE_ONES: 'RULE_ONES',
  RULE_NORMAL: 'RULE_NORMAL',
  RULE_TRUNCATED_NORMAL: 'RULE_TRUNCATED_NORMAL',
  RULE_CONSTANT: 'RULE_CONSTANT',
  RULE_UNIFORM: 'RULE_UNIFORM',
} as const;

export type Rule =
  | 'RULE_UNSPECIFIED'
  | 0
  | 'RULE_ZEROS'
  | 1
  | 'RULE_ONES'
  | 2
  | 'RULE_NORMAL'
  | 3
  | 'RULE_TRUNCATED_NORMAL'
  | 4
  | 'RULE_CONSTANT'
  | 5
  | 'RULE_UNIFORM'
  | 6

export type Rule__Output = typeof Rule[keyof typeof Rule]
