// JSON (RFC 8259) read so that every value knows where it stood: a wrong field is then shown at its line and column.
// For small files that people write; stricter than JSON.parse in one thing: a name may not come twice in an object.

/** A path into a value: names of members and indexes of elements. */
export type Path = readonly (string | number)[]

export interface LocatedJson {
  /** Objects have no prototype, so `__proto__` is a name like any other. */
  readonly value: unknown
  /** The offset of the value at `path`, or of the innermost one around it that exists. */
  locate(path: Path): number
}

/** Where reading stopped, and why. */
export class JsonSyntaxError extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.name = 'JsonSyntaxError'
    this.offset = offset
  }
}

/** Nesting beyond this is refused. */
const maxDepth = 32

interface Node {
  readonly offset: number
  readonly value: unknown
  readonly parts: ReadonlyMap<string | number, Node>
}

const noParts: ReadonlyMap<string | number, Node> = new Map()

/** @throws JsonSyntaxError */
export function readJson(text: string): LocatedJson {
  const root = new JsonReader(text).read()
  return {
    value: root.value,
    locate(path) {
      let node = root
      for (const key of path) {
        const part = node.parts.get(key)
        if (part === undefined) break
        node = part
      }
      return node.offset
    },
  }
}

class JsonReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Node {
    const node = this.#value(0)
    this.#space()
    if (this.#at < this.#text.length) this.#fail('the end')
    return node
  }

  #value(depth: number): Node {
    this.#space()
    const offset = this.#at
    if (depth > maxDepth) this.#fail(`at most ${maxDepth} levels`)
    const first = this.#text[offset]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return { offset, value: this.#string(), parts: noParts }
    const found = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y)
    if (found === undefined) this.#fail('a value')
    return { offset, value: JSON.parse(found), parts: noParts }
  }

  #object(depth: number): Node {
    const offset = this.#at
    const value: Record<string, unknown> = Object.create(null)
    const parts = new Map<string | number, Node>()
    this.#at += 1
    if (this.#take('}')) return { offset, value, parts }
    do {
      this.#space()
      const nameAt = this.#at
      if (this.#text[nameAt] !== '"') this.#fail(parts.size === 0 ? 'a name in quotes or "}"' : 'a name in quotes')
      const name = this.#string()
      if (parts.has(name)) throw new JsonSyntaxError(nameAt, `the name ${JSON.stringify(name)} comes twice`)
      if (!this.#take(':')) this.#fail('":"')
      const part = this.#value(depth + 1)
      value[name] = part.value
      parts.set(name, part)
    } while (this.#take(','))
    if (!this.#take('}')) this.#fail('"," or "}"')
    return { offset, value, parts }
  }

  #array(depth: number): Node {
    const offset = this.#at
    const value: unknown[] = []
    const parts = new Map<string | number, Node>()
    this.#at += 1
    if (this.#take(']')) return { offset, value, parts }
    do {
      const part = this.#value(depth + 1)
      parts.set(value.length, part)
      value.push(part.value)
    } while (this.#take(','))
    if (!this.#take(']')) this.#fail('"," or "]"')
    return { offset, value, parts }
  }

  #string(): string {
    const offset = this.#at
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
    const found = this.#match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)
    if (found === undefined)
      throw new JsonSyntaxError(offset, 'expected a string that ends on its line, with valid escapes')
    const value: unknown = JSON.parse(found)
    return typeof value === 'string' ? value : ''
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #take(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #space(): void {
    this.#match(/[ \t\r\n]*/y)
  }

  #fail(expected: string): never {
    const rest = this.#text.slice(this.#at)
    const found = rest === '' ? 'the end' : JSON.stringify((/^[\w.+-]{1,32}/.exec(rest) ?? [[...rest][0]])[0])
    throw new JsonSyntaxError(this.#at, `expected ${expected}, found ${found}`)
  }
}
