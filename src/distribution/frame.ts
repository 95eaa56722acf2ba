// The layout of a frame between two connected nodes: items one after another. Casts, messages, calls and their answers
// are laid out by hand, for they are what there is much of; everything else is an item of wire.ts behind its length.
//
// A text that comes again (tags, names of properties) is sent once and then known by number. So a frame means what it
// means only on its connection, in its place: a connection loses all or nothing of what was sent before.

/** An item of wire.ts: its length, its bytes. */
export const GENERAL = 0
/** to, tag, value */
export const CAST = 1
/** to, value */
export const MESSAGE = 2
/** to, from (0: nobody), id, tag, value */
export const CALL_ITEM = 3
/** id, value */
export const REPLY = 4

// Values. From SMALL on, an integer from 0 in the byte itself.
export const UNDEFINED = 0
export const NULL = 1
export const TRUE = 2
export const FALSE = 3
/** Zigzag, so that small negative numbers are short. */
export const INTEGER = 4
export const FLOAT = 5
/** Length, one byte a character. */
export const ASCII = 6
/** Length in bytes, UTF-8. */
export const TEXT = 7
/** Length, values. */
export const ARRAY = 8
/** How many properties; for each a text and a value. */
export const OBJECT = 9
/** Length, bytes of codec.ts: whatever has no kind of its own here. */
export const CODED = 10
export const SMALL = 16
export const SMALL_LIMIT = 256 - SMALL

// Texts. From KNOWN on, the number of one that was learned.
/** Length and bytes follow; not to be learned. */
export const ONCE = 0
/** Length and bytes follow; it gets the next number. */
export const LEARN = 1
export const KNOWN = 2
/** So many texts are learned on a connection, none longer than {@link MAX_LEARNED}. */
export const MAX_TEXTS = 4096
export const MAX_LEARNED = 64

/** Levels of arrays and objects that are laid out by hand; what is deeper goes through codec.ts, which knows cycles. */
export const MAX_DEPTH = 32
