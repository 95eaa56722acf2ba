/** True for what `await` would wait for. Awaiting only these is four times the throughput of awaiting everything. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** What the code of an ended process awaits: it stops there. */
export function never<T>(): Promise<T> {
  return new Promise(() => {})
}
