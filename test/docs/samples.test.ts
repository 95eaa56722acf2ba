import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../house/sources.ts'
import { type Block, blocksOf, compile, judge, samplesOf } from './samples.ts'

const guides = existsSync(`${root}docs`)
  ? readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md'))
  : []
const pages = ['README.md', 'CONTRIBUTING.md', ...guides.map((path) => `docs/${path}`)].map((path) => ({
  path,
  text: readFileSync(root + path, 'utf8'),
}))
const scripts: Record<string, string> = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts

/** npm scripts that a page tells the reader to run and package.json does not have. */
function unknownScripts(blocks: readonly Block[]): string[] {
  const shell = blocks.filter((block) => ['sh', 'bash', 'console'].includes(block.info)).map((block) => block.text)
  const named = [...shell.join('\n').matchAll(/\bnpm (?:run (?:-s )?([\w:-]+)|(start|test)\b)/g)]
  return named.map(([, run, short]) => run ?? short ?? '').filter((name) => !(name in scripts))
}

/** Links to files of the repository that are not there. */
function deadLinks(path: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => (link ?? '').split('#')[0] ?? '')
  return links.filter((link) => link !== '' && !/^\w+:/.test(link) && !existsSync(`${root}${dirname(path)}/${link}`))
}

const samples = pages.flatMap((page) => samplesOf(page.path, page.text))

const broken = (name: string, code: string) => ({ at: `broken/${name}`, code, run: true, output: 'one' })
const sound = broken('none', `console.log('one')`)
const prints = broken('prints', `console.log('two')`)
const compiles = broken('compiles', `import { createNothing } from 'espalier'\ncreateNothing()`)
const throws = broken('throws', `import { OptionError } from 'espalier'\nthrow new OptionError('ms', -1, 'a duration')`)
const endless = broken('endless', 'setInterval(() => {}, 1000)')

const bench = compile('samples', [...samples, sound, prints, compiles, throws, endless])

describe('the samples of README.md and docs/', () => {
  // Some start threads and disks: on a busy machine that takes its time.
  test.each(samples.map((sample) => [sample.at, sample] as const))(
    '%s does what it says',
    async (_at, sample) => {
      expect(await judge(bench, sample)).toBeUndefined()
    },
    40_000,
  )

  test.each(pages)('$path names only npm scripts and files that exist', ({ path, text }) => {
    expect(unknownScripts(blocksOf(text))).toEqual([])
    expect(deadLinks(path, text)).toEqual([])
  })

  test('red: a script and a file that do not exist', () => {
    expect(unknownScripts(blocksOf('```sh\nnpm run -s dance\nnpm test\n```'))).toEqual(['dance'])
    expect(deadLinks('README.md', '[a](docs/gone.md) [b](README.md#x) [c](https://example.org)')).toEqual([
      'docs/gone.md',
    ])
  })
})

describe('a broken sample', () => {
  test('is told from a sound one', async () => {
    expect(await judge(bench, sound)).toBeUndefined()
  })

  test('red: it prints something else', async () => {
    expect(await judge(bench, prints)).toBe('broken/prints printed\ntwo\n\nnot\none')
  })

  test('red: it does not compile', async () => {
    expect(await judge(bench, compiles)).toContain(`no exported member 'createNothing'`)
    expect(await judge(bench, { ...compiles, run: false })).toContain(`no exported member 'createNothing'`)
  })

  test('red: it throws', async () => {
    expect(await judge(bench, throws)).toContain('OptionError: ms: expected a duration, got -1')
  })

  test('red: it never ends', async () => {
    await expect(bench.run(endless, 500)).rejects.toThrow('did not end within 500 ms')
  })
})

describe('the blocks of a page', () => {
  test('are found in order, with their line, and with what stands behind the fence', () => {
    expect(blocksOf('a\n```ts no-run\nx\n```\n\n~~~text\n```\n~~~\nb\n```\n```\n')).toEqual([
      { info: 'ts no-run', text: 'x', line: 2, adjacent: false },
      { info: 'text', text: '```', line: 6, adjacent: true },
      { info: '', text: '', line: 10, adjacent: false },
    ])
  })

  test('an output belongs to a sample only if nothing stands between them', () => {
    const apart = '```ts\n1\n```\nProse.\n```text\none\n```'
    expect(samplesOf('a.md', apart)).toEqual([{ at: 'a.md:1', code: '1', run: true, output: undefined }])
  })

  test('red: a fence that is never closed', () => {
    expect(() => blocksOf('```ts\nx')).toThrow('opened on line 1')
  })
})
