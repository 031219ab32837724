/** One setting: its flag, its environment variable, and what it means. */
export interface Setting {
  /** As commander writes it. */
  readonly flag: string;
  readonly variable: string;
  readonly default: string;
  readonly description: string;
}
