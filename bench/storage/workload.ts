// What both contenders of room `storage` write: entries of 256 bytes, one at a time or in windows of 512.

export const ENTRY_BYTES = 256
/** Entries that become durable together. */
export const WINDOW = 512

/** `count` entries, no two alike. */
export function entries(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const entry = new Uint8Array(ENTRY_BYTES)
    new DataView(entry.buffer).setUint32(0, i)
    return entry
  })
}

/** The time each of `count` runs of `act` takes, in milliseconds. */
export async function latencies(count: number, act: (i: number) => Promise<unknown>): Promise<Float64Array> {
  const latenciesMs = new Float64Array(count)
  for (let i = 0; i < count; i += 1) {
    const start = performance.now()
    await act(i)
    latenciesMs[i] = performance.now() - start
  }
  return latenciesMs
}

/** The time that `count` entries take, window after window, in milliseconds. `count` is a multiple of WINDOW. */
export async function windows(
  count: number,
  write: (window: readonly Uint8Array[]) => Promise<unknown>,
): Promise<number> {
  const window = entries(WINDOW)
  const start = performance.now()
  for (let done = 0; done < count; done += WINDOW) await write(window)
  return performance.now() - start
}
