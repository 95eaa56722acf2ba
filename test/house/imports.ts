// Imports point one way. The table below is the whole rule: a room may import itself and the rooms it names.
import { posix } from 'node:path'
import { type Complaint, complain, importsOf, parse, type Sources } from './sources.ts'

const library = [
  'kernel/ports',
  'kernel',
  'groups',
  'tables',
  'behaviours',
  'storage',
  'distribution',
  'telemetry',
  'threads',
].map((room) => `src/${room}`)

/** room → the rooms it may import besides itself. Longest prefix wins: `src/kernel/ports` is not `src/kernel`. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/kernel/ports': [],
  'src/kernel': ['src/kernel/ports'],
  'src/system': ['src/kernel/ports'],
  'src/groups': ['src/kernel/ports', 'src/kernel'],
  'src/tables': ['src/kernel/ports', 'src/kernel'],
  'src/behaviours': ['src/kernel/ports', 'src/kernel'],
  'src/storage': ['src/kernel/ports', 'src/kernel', 'src/behaviours'],
  'src/distribution': ['src/kernel/ports', 'src/kernel', 'src/groups', 'src/behaviours'],
  'src/telemetry': ['src/kernel/ports', 'src/kernel', 'src/behaviours'],
  // Worker threads are real: their clocks, their modules, their pool.
  'src/threads': [
    'src/kernel/ports',
    'src/kernel',
    'src/groups',
    'src/behaviours',
    'src/storage',
    'src/distribution',
    'src/telemetry',
    'src/system',
    'src',
  ],
  // A simulated world holds nothing real: src/system and src/threads are not for it.
  'src/simulation': library.filter((room) => room !== 'src/threads'),
  // The public face, the files of src itself: gives a node the real ports by default; the simulator has its own face.
  src: [...library, 'src/system'],
  // Actors are handed their ports: a tree chooses between the real ones and the simulated.
  actors: [...library, 'src/simulation', 'src'],
  supervisors: [...library, 'src/simulation', 'src/system', 'src', 'actors'],
  cli: [...library, 'src/simulation', 'src/system', 'src', 'actors', 'supervisors'],
}

/** Rooms that import nothing but Node's own modules. */
const noPackages = ['src/kernel/ports', 'src/kernel', 'src/groups', 'src/system', 'src/behaviours']

export interface ImportRules {
  /** The `dependencies` of package.json: what a user's installation holds. */
  readonly dependencies: readonly string[]
}

/** Complaints about the direction of imports, about packages a room may not use, and about cycles between rooms. */
export function checkImports(sources: Sources, rules: ImportRules): Complaint[] {
  const complaints: Complaint[] = []
  const edges = new Map<string, string[]>()
  for (const [path, text] of sources) {
    const room = roomOf(path)
    if (room === undefined) {
      complaints.push(`${path}:1: belongs to no room; the rooms are ${Object.keys(mayImport).join(', ')}`)
      continue
    }
    const targets: string[] = []
    edges.set(path, targets)
    for (const { node, specifier } of importsOf(parse(path, text))) {
      if (specifier.startsWith('node:')) continue
      if (specifier.startsWith('.')) {
        const target = posix.join(posix.dirname(path), specifier)
        targets.push(target)
        const targetRoom = roomOf(target)
        if (!sources.has(target)) complaints.push(complain(node, `${specifier} is no file of the house`))
        else if (targetRoom !== room && !(targetRoom !== undefined && mayImport[room]?.includes(targetRoom))) {
          complaints.push(complain(node, `${room} may not import ${target}`))
        }
      } else if (noPackages.includes(room)) {
        complaints.push(complain(node, `${room} may import nothing but node: modules, not ${specifier}`))
      } else if (!rules.dependencies.includes(packageOf(specifier))) {
        complaints.push(complain(node, `${specifier} is not among the dependencies of package.json`))
      }
    }
  }
  for (const cycle of cycles(edges)) {
    if (new Set(cycle.map(cellOf)).size > 1)
      complaints.push(`${cycle[0]}:1: a cycle between rooms: ${cycle.join(' → ')}`)
  }
  return complaints
}

function roomOf(path: string): string | undefined {
  if (posix.dirname(path) === 'src') return 'src'
  const fits = Object.keys(mayImport).filter((room) => room !== 'src' && path.startsWith(`${room}/`))
  return fits.sort((a, b) => b.length - a.length)[0]
}

/** Finer than a room where the table is coarse: `actors/raft` and `actors/flow` may know each other one way only. */
function cellOf(path: string): string {
  const room = roomOf(path) ?? path
  return room === 'actors' ? posix.dirname(path).split('/').slice(0, 2).join('/') : room
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The strongly connected components of more than one file (Tarjan 1972), each in the order it was entered. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  for (const path of edges.keys()) if (!index.has(path)) visit(path)
  return found

  function visit(path: string): number {
    let lowest = index.size
    const own = lowest
    index.set(path, own)
    stack.push(path)
    for (const target of edges.get(path) ?? []) {
      if (!edges.has(target)) continue
      if (!index.has(target)) lowest = Math.min(lowest, visit(target))
      else if (stack.includes(target)) lowest = Math.min(lowest, index.get(target) ?? lowest)
    }
    if (lowest === own) {
      const component = stack.splice(stack.indexOf(path))
      if (component.length > 1) found.push(component)
    }
    return lowest
  }
}
