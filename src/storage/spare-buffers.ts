// Buffers whose bytes nobody needs any more, to be written again: the system gives fresh memory page by page, as it is
// first touched, and that took 20 times as long as filling it.
//
// Invariant: who gives a buffer back, and everybody it was shown to, is done with it.

/** Smaller ones are not worth keeping. */
export const leastSpareBytes = 8 * 1024
const largestSpareBytes = 1024 * 1024
const maxSpares = 8

const spares: ArrayBuffer[] = []

/** Bytes that hold anything, at least `size` of them: they are written before they are read. */
export function unwritten(size: number): Uint8Array<ArrayBuffer> {
  const at = spares.findIndex(({ byteLength }) => byteLength >= size)
  const [spare] = at < 0 ? [] : spares.splice(at, 1)
  if (spare !== undefined) return new Uint8Array(spare)
  return new Uint8Array(Buffer.allocUnsafeSlow(size > largestSpareBytes ? size : roundUp(size)).buffer)
}

/** Gives a buffer back. */
export function giveBack(buffer: ArrayBuffer): void {
  const { byteLength } = buffer
  if (byteLength >= leastSpareBytes && byteLength <= largestSpareBytes && spares.length < maxSpares) spares.push(buffer)
}

/** To a power of two: so that a buffer fits the next of about the same size. */
function roundUp(size: number): number {
  return Math.max(leastSpareBytes, 2 ** Math.ceil(Math.log2(size)))
}
