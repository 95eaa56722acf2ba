// `npm run -s conformance:matrix`: writes docs/otp-conformance.md; with `--check`, only says whether it is as it should be.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { unifiedDiff } from './diff.ts'
import { evidence, sections } from './matrix/index.ts'
import { complaints, page } from './matrix/page.ts'

const usage = `usage: conformance:matrix [--check]

  --check   write nothing; fail if the page is not what would be written`
const path = 'docs/otp-conformance.md'

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false } },
  })
  if (positionals.length > 0) {
    console.error(usage)
    return 64
  }
  const known = await evidence()
  const wrong = complaints(sections, known)
  for (const complaint of wrong) console.log(complaint)
  if (wrong.length > 0) return 1
  const text = page(sections, known, dirname(path))
  if (!values.check) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return 0
  }
  const written = await readFile(path, 'utf8').catch(() => '')
  if (written === text) return 0
  console.log(unifiedDiff(written.split('\n'), text.split('\n'), { a: path, b: `${path} (generated)` }))
  return 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
