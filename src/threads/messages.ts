// What travels between a thread and the hub on the main thread: introductions between carriers, and the life of a node
// on a worker thread. Plain data and ports, for structured clone.

import type { MessagePort } from 'node:worker_threads'

/** One end of a direct line between two threads. */
export interface LineEnd {
  readonly port: MessagePort
  /** The words that both ends share: see credits.ts. */
  readonly shared: SharedArrayBuffer
  /** Which of the two ends this is. */
  readonly side: 0 | 1
  /** The number of the thread at the other end, as the hub counts. */
  readonly far: number
}

/** From a carrier to the hub. */
export type ToHub =
  | { readonly kind: 'listen' | 'unlisten'; readonly name: string }
  | { readonly kind: 'dial'; readonly id: number; readonly name: string }

/** From the hub to a carrier. */
export type FromHub =
  | { readonly kind: 'dialled'; readonly id: number; readonly line: LineEnd }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: string }
  | { readonly kind: 'incoming'; readonly name: string; readonly line: LineEnd }
  /** A thread has ended; `reason` says how. */
  | { readonly kind: 'died'; readonly thread: number; readonly reason: string }

/** A function of a module, and what it is called with. */
export interface BootCode {
  readonly module: string
  readonly export: string
  readonly args: readonly unknown[]
}

/** From a worker thread to whoever started it. */
export type FromThread =
  | { readonly kind: 'ready'; readonly booted: unknown }
  /** `thrown`: see encodeThrown. */
  | { readonly kind: 'failed'; readonly thrown: Uint8Array }
  /** A report of its node's, encoded as what was thrown is: for the main thread's node to pass on. */
  | { readonly kind: 'reported'; readonly report: Uint8Array }
  /** A text that its beacon will name by number. */
  | { readonly kind: 'learned'; readonly number: number; readonly text: string }

/** To a worker thread. */
export type ToThread = { readonly kind: 'stop'; readonly timeoutMs: number }

/** What a worker thread starts with. */
export interface ThreadData {
  readonly name: string
  readonly control: MessagePort
  readonly storage: MessagePort | undefined
  readonly boot: BootCode | undefined
  /** Nodes to connect to before the code is booted. */
  readonly connect: readonly string[]
  readonly limits: CarrierLimits
  /** Where a watched thread shows that it turns, and what runs on it. */
  readonly heartbeat: { readonly shared: SharedArrayBuffer; readonly everyMs: number } | undefined
}

/** What a spare thread starts with. It gets its ThreadData as a message once it is wanted. */
export interface SpareData {
  /** What to load meanwhile. */
  readonly preload: Pick<BootCode, 'module' | 'export'> | undefined
}

/** Bounds of what one thread sends to another. */
export interface CarrierLimits {
  /** Bytes that may be under way to a thread that has not read them. */
  readonly windowBytes: number
  /** Bytes that may wait for room in the window; a connection with more is lost, with reason `overloaded`. */
  readonly maxQueuedBytes: number
}
