// Reads what strace(1) has seen a process do to its files: writes, syncs and names, in the order in which they began,
// with the moment each had ended. A moment is a line of the trace.

/** strace's options; the expression lists every call that may change a file. */
export const straceOptions: readonly string[] = [
  '-f',
  '--seccomp-bpf',
  '-xx',
  '-s',
  '100000000',
  '-e',
  'trace=openat,close,dup,dup2,dup3,lseek,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,sync_file_range,msync,ftruncate,truncate,fallocate,copy_file_range,sendfile,link,linkat,unlink,unlinkat,rename,renameat,renameat2,mmap',
]

interface Span {
  /** When the call began. */
  readonly start: number
  /** When it had returned. */
  readonly end: number
}

export interface FileWrite extends Span {
  readonly file: number
  readonly offset: number
  readonly bytes: Buffer
  /** From here on it survives a power cut; Infinity if nothing has synced it. */
  durableFrom: number
}

/** A name given to a file, or taken from it (`file` undefined). */
export interface NameChange extends Span {
  readonly name: string
  readonly file: number | undefined
  durableFrom: number
}

export interface DiskTrace {
  readonly writes: readonly FileWrite[]
  readonly names: readonly NameChange[]
  /** Lines the process wrote to standard output. */
  readonly output: readonly { readonly start: number; readonly line: string }[]
  readonly syncs: number
}

interface Call extends Span {
  readonly name: string
  readonly args: string
  readonly result: number
}

interface Descriptor {
  readonly file: number
  readonly isFolder: boolean
  readonly isSynchronous: boolean
  offset: number
}

/** What happened to the files in `folder`, but for LMDB's lock files, which do not outlive a boot. */
export function readDiskTrace(text: string, folder: string): DiskTrace {
  const reader = new TraceReader(folder)
  for (const call of callsOf(text)) reader.take(call)
  return reader.trace
}

/** The calls in the order of their ends, so that a descriptor is known before it is used. */
function callsOf(text: string): Call[] {
  const calls: Call[] = []
  const begun = new Map<string, { readonly start: number; readonly text: string }>()
  text.split('\n').forEach((line, at) => {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    if (unfinished !== null) {
      begun.set(thread, { start: at, text: unfinished[1] ?? '' })
      return
    }
    const start = resumed === null ? at : (begun.get(thread)?.start ?? at)
    const whole = resumed === null ? rest : (begun.get(thread)?.text ?? '') + (resumed[1] ?? '')
    const [, name, args, result] = /^(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)/.exec(whole) ?? []
    if (name === undefined || args === undefined || result === undefined) return
    if (Number(result) >= 0) calls.push({ name, args, result: Number(result), start, end: at })
  })
  return calls
}

class TraceReader {
  readonly #folder: string
  readonly #descriptors = new Map<number, Descriptor>()
  readonly #files = new Map<string, number>()
  readonly #writes: FileWrite[] = []
  readonly #names: NameChange[] = []
  readonly #output: { start: number; line: string }[] = []
  #syncs = 0
  #nextFile = 1

  constructor(folder: string) {
    this.#folder = folder
  }

  get trace(): DiskTrace {
    return { writes: this.#writes, names: this.#names, output: this.#output, syncs: this.#syncs }
  }

  take(call: Call): void {
    const descriptor = this.#descriptors.get(Number.parseInt(call.args, 10))
    switch (call.name) {
      case 'openat':
        return this.#open(call)
      case 'close':
        this.#descriptors.delete(Number.parseInt(call.args, 10))
        return
      case 'link':
      case 'linkat':
      case 'unlink':
      case 'unlinkat':
        return this.#rename(call)
      case 'write':
        if (call.args.startsWith('1,')) return this.#print(call)
    }
    if (call.name === 'mmap') this.#checkMap(call)
    else if (call.name === 'rename' || call.name === 'renameat' || call.name === 'renameat2') this.#checkPaths(call)
    else if (descriptor !== undefined) this.#use(call, descriptor)
  }

  #use(call: Call, descriptor: Descriptor): void {
    switch (call.name) {
      case 'lseek':
        descriptor.offset = call.result
        return
      case 'write':
      case 'writev':
        this.#write(call, descriptor, descriptor.offset)
        descriptor.offset += call.result
        return
      case 'pwrite64':
      case 'pwritev':
        return this.#write(call, descriptor, Number(/, (\d+)$/.exec(call.args)?.[1]))
      case 'fdatasync':
      case 'fsync':
        return this.#sync(call, descriptor)
      default:
        throw new Error(`the trace has a call this check does not know: ${call.name}(${call.args.slice(0, 80)})`)
    }
  }

  #open(call: Call): void {
    const path = pathsIn(call.args)[0] ?? ''
    const name = this.#nameOf(path)
    if (path !== this.#folder && name === undefined) return
    let file = this.#files.get(name ?? '.')
    if (file === undefined) {
      file = this.#nextFile++
      this.#files.set(name ?? '.', file)
      if (name !== undefined) this.#names.push({ ...spanOf(call), name, file, durableFrom: Number.POSITIVE_INFINITY })
    }
    const isSynchronous = /\bO_D?SYNC\b/.test(call.args)
    this.#descriptors.set(call.result, { file, isFolder: name === undefined, isSynchronous, offset: 0 })
  }

  #rename(call: Call): void {
    const [from = '', to] = pathsIn(call.args).map((path) => this.#nameOf(path))
    const span = { ...spanOf(call), durableFrom: Number.POSITIVE_INFINITY }
    if (to !== undefined) {
      const file = this.#files.get(from)
      if (file === undefined) throw new Error(`a link to a file the trace has not seen: ${from}`)
      this.#files.set(to, file)
      this.#names.push({ ...span, name: to, file })
    } else if (this.#files.delete(from)) this.#names.push({ ...span, name: from, file: undefined })
  }

  #write(call: Call, { file, isSynchronous }: Descriptor, offset: number): void {
    const bytes = bytesIn(call.args).subarray(0, call.result)
    const durableFrom = isSynchronous ? call.end : Number.POSITIVE_INFINITY
    this.#writes.push({ ...spanOf(call), file, offset, bytes, durableFrom })
  }

  #sync(call: Call, { file, isFolder }: Descriptor): void {
    this.#syncs += 1
    const synced = isFolder ? this.#names : this.#writes.filter((write) => write.file === file)
    for (const change of synced)
      if (change.end < call.start) change.durableFrom = Math.min(change.durableFrom, call.end)
  }

  #print(call: Call): void {
    for (const line of bytesIn(call.args).toString('latin1').trim().split('\n')) {
      this.#output.push({ start: call.start, line })
    }
  }

  /** A file written through a map would escape this trace. */
  #checkMap(call: Call): void {
    const [, , protection = '', kind = '', descriptor = ''] = call.args.split(', ')
    if (!protection.includes('PROT_WRITE') || !kind.includes('MAP_SHARED')) return
    if (this.#descriptors.has(Number(descriptor))) throw new Error('a data file is written through a memory map')
  }

  #checkPaths(call: Call): void {
    if (pathsIn(call.args).some((path) => this.#nameOf(path) !== undefined)) throw new Error('a data file is renamed')
  }

  /** The name inside the folder, if that is where the path leads and it is no lock file. */
  #nameOf(path: string): string | undefined {
    const name = path.startsWith(`${this.#folder}/`) ? path.slice(this.#folder.length + 1) : undefined
    return name?.endsWith('-lock') ? undefined : name
  }
}

function spanOf({ start, end }: Call): Span {
  return { start, end }
}

/** The quoted strings of a call's arguments, every byte written as \xNN. */
function stringsIn(args: string): Buffer[] {
  return [...args.matchAll(/"([^"]*)"/g)].map(([, hex = '']) => Buffer.from(hex.replaceAll('\\x', ''), 'hex'))
}

function pathsIn(args: string): string[] {
  return stringsIn(args).map((path) => path.toString('utf8'))
}

function bytesIn(args: string): Buffer {
  return Buffer.concat(stringsIn(args))
}
