// Unified diffs as the mutants keep them. A hunk is found by its text alone, which must occur exactly once in its file:
// line numbers mean nothing, so edits elsewhere do not disturb it. Text above the first `---` says what is planted.

interface Hunk {
  readonly path: string
  readonly before: string
  readonly after: string
}

export interface Patch {
  readonly about: string
  readonly hunks: readonly Hunk[]
}

/** A patch that does not fit the sources, or is none. */
export class PatchError extends Error {
  override name = 'PatchError'
}

/** Reads a unified diff. Throws PatchError if there is nothing to change in it. */
export function parsePatch(text: string): Patch {
  const [about = '', ...files] = text.split(/^(?=--- .*\n\+\+\+ )/m)
  const hunks = files.flatMap((file) => {
    const path = /^\+\+\+ (?:b\/)?(\S+)/m.exec(file)?.[1] ?? ''
    return file
      .split(/^@@.*\n/m)
      .slice(1)
      .map((body) => parseHunk(path, body))
  })
  if (hunks.length === 0) throw new PatchError('no hunk in it')
  return { about: about.trim(), hunks }
}

function parseHunk(path: string, body: string): Hunk {
  // An editor may have taken the blank off a line of context that is empty.
  const lines = body
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? ' ' : line))
    .filter((line) => /^[ +-]/.test(line))
  const side = (other: string) => lines.filter((line) => !line.startsWith(other)).map((line) => `${line.slice(1)}\n`)
  const [before, after] = [side('+').join(''), side('-').join('')]
  if (before === after) throw new PatchError(`${path}: a hunk that changes nothing`)
  return { path, before, after }
}

/** The files as the patch leaves them, by path; `read` answers what they are now, if they are. Throws PatchError if it does not fit. */
export function applyPatch(patch: Patch, read: (path: string) => string | undefined): Map<string, string> {
  const changed = new Map<string, string>()
  for (const { path, before, after } of patch.hunks) {
    const now = changed.get(path) ?? read(path)
    if (now === undefined) throw new PatchError(`${path}: no such file`)
    const text = `\n${now}`
    const at = text.indexOf(`\n${before}`)
    if (at < 0) throw new PatchError(`${path}: no longer has\n${before}`)
    if (text.indexOf(`\n${before}`, at + 1) >= 0) throw new PatchError(`${path}: has more than once\n${before}`)
    changed.set(path, text.slice(1, at + 1) + after + text.slice(at + 1 + before.length))
  }
  return changed
}
