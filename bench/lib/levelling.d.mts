/** The types of `levelling.mjs`, for its test. */
export interface LevelOptions {
  readonly compared?: number;
  readonly tolerance?: number;
}
export function isLevel(costs: readonly number[], options?: LevelOptions): boolean;
export function levelOff(
  window: () => Promise<number>,
  options?: LevelOptions & { readonly bound?: number },
): Promise<{ readonly windows: number; readonly level: boolean; readonly costs: readonly number[] }>;
