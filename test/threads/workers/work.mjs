// Work for the offload pool.
export const add = (a, b) => a + b
export const spin = (words) => {
  // Says that it runs.
  if (words !== undefined) Atomics.store(words, 0, 1)
  for (;;);
}
export const fail = () => {
  const cause = Object.assign(new TypeError('below'), { code: 'ERR_BELOW' })
  throw Object.assign(new RangeError('no such work', { cause }), { code: 'ERR_WORK' })
}
export const exit = () => process.exit(3)
