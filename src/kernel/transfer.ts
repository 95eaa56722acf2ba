// Bytes that are moved to another thread instead of being copied there. What is to be moved is marked, not wrapped: a
// receiver on the own thread gets the very same object, one on another thread an equal one.

import { OptionError } from './errors.ts'

const marked = new WeakSet<ArrayBuffer>()

/**
 * Marks bytes to be moved: the next message, cast, call or reply that holds them and goes to a process (by its pid) on
 * another thread takes them along without a copy, and they are empty here as soon as it is sent. They are copied, as
 * always, where the receiver lives on no other thread of this process, or is reached by name. Answers `bytes` itself.
 *
 * Worth it from about 64 KiB on.
 *
 * @throws OptionError for a view of a part of a buffer (as small ones of `Buffer.from` are): the rest would go with it.
 */
export function transfer<T extends ArrayBuffer | ArrayBufferView<ArrayBuffer>>(bytes: T): T {
  if (bytes instanceof ArrayBuffer) marked.add(bytes)
  else {
    const { buffer, byteLength } = bytes
    if (!(buffer instanceof ArrayBuffer) || byteLength !== buffer.byteLength) {
      throw new OptionError('bytes', bytes, 'a view of all of an ArrayBuffer')
    }
    marked.add(buffer)
  }
  return bytes
}

/** Whether a buffer is marked; no longer from now on. */
export function unmark(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && marked.delete(buffer)
}
