// A module agent: counts the files and lines of each room of this repository.

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const rooms = ['src', 'actors', 'supervisors', 'cli', 'bench', 'test', 'docs', 'examples']

/** @param {{ signal: AbortSignal }} task */
export async function takeCensus({ signal }) {
  const census = []
  for (const room of rooms) {
    const entries = await readdir(`${root}${room}`, { recursive: true, withFileTypes: true }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile() && /\.(?:ts|js|md)$/.test(entry.name))
    const own = files.filter((entry) => !entry.parentPath.includes('node_modules'))
    let lines = 0
    for (const entry of own) {
      signal.throwIfAborted()
      // A file may go while we look, for others work here too.
      const text = await readFile(`${entry.parentPath}/${entry.name}`, 'utf8').catch(() => '')
      lines += text.split('\n').length
    }
    census.push({ room, files: own.length, lines })
  }
  return census
}
