// Work for the offload pool.
export const add = (a, b) => a + b
export const spin = (words) => {
  // Says that it runs.
  if (words !== undefined) Atomics.store(words, 0, 1)
  for (;;);
}
export const fail = () => {
  throw new RangeError('no such work')
}
export const exit = () => process.exit(3)
