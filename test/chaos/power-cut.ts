// What a disk may hold after a power cut: all that was synced, plus a random subset of later writes, torn at 512 bytes,
// the unit a disk writes whole.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeededRandom } from 'espalier/testing'
import type { DiskTrace, FileWrite } from './disk-trace.ts'

const sectorBytes = 512

/** A moment at which the power fails: while a random call of the trace is under way. */
export function chooseCut(trace: DiskTrace, random: SeededRandom): number {
  const moments = [...trace.writes, ...trace.names, ...trace.output].map(({ start }) => start)
  return random.pick(moments) + 1
}

/** The acknowledgements before the cut: the last number by name. */
export function acknowledgedBefore(trace: DiskTrace, cut: number): Record<string, number> {
  return lastNumbers(trace.output.filter(({ start }) => start < cut).map(({ line }) => line))
}

/** From lines `NAME NUMBER`, the last number by name. */
export function lastNumbers(lines: readonly string[]): Record<string, number> {
  const last: Record<string, number> = {}
  for (const line of lines) {
    const [name = '', number = ''] = line.split(' ')
    if (/^\d+$/.test(number)) last[name] = Number(number)
  }
  return last
}

/** Writes the files as a disk may hold them after the cut. Answers how many writes were at the mercy of chance. */
export function writeImage(trace: DiskTrace, cut: number, random: SeededRandom, folder: string): number {
  mkdirSync(folder, { recursive: true })
  const files = new Map<number, Image>()
  let loose = 0
  for (const write of trace.writes) {
    if (write.start >= cut) continue
    const image = files.get(write.file) ?? new Image()
    files.set(write.file, image)
    if (write.durableFrom < cut) image.put(write.offset, write.bytes)
    else {
      loose += 1
      putLoose(image, write, random)
    }
  }
  const names = new Map<string, number>()
  for (const change of trace.names) {
    if (change.start >= cut || (change.durableFrom >= cut && random.chance(1, 2))) continue
    if (change.file === undefined) names.delete(change.name)
    else names.set(change.name, change.file)
  }
  for (const [name, file] of names) writeFileSync(join(folder, name), files.get(file)?.bytes ?? Buffer.alloc(0))
  return loose
}

/** A write not synced is lost, whole, or torn into sectors each of which is there or not. */
function putLoose(image: Image, write: FileWrite, random: SeededRandom): void {
  const fate = random.below(3)
  if (fate === 0) return
  if (fate === 1) return image.put(write.offset, write.bytes)
  for (let at = 0; at < write.bytes.length; ) {
    const end = Math.min(write.bytes.length, at + sectorBytes - ((write.offset + at) % sectorBytes))
    if (random.chance(1, 2)) image.put(write.offset + at, write.bytes.subarray(at, end))
    at = end
  }
}

class Image {
  #bytes = Buffer.alloc(64 * 1024)
  #length = 0

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  put(offset: number, bytes: Buffer): void {
    const end = offset + bytes.length
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(end)])
    bytes.copy(this.#bytes, offset)
    this.#length = Math.max(this.#length, end)
  }
}
