// The power-cut check itself: what it takes for durable, and what it leaves to chance.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from 'espalier/testing'
import { afterEach, expect, test } from 'vitest'
import { readDiskTrace } from './disk-trace.ts'
import { acknowledgedBefore, writeImage } from './power-cut.ts'

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
const quoted = (text: string): string => `"${hex(text)}"`

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** Every content the file may have after the cut, over 200 draws; undefined if the file may be missing. */
function possible(lines: readonly string[], cut: number, name = 'f'): Set<string | undefined> {
  const trace = readDiskTrace(lines.join('\n'), '/d')
  const seen = new Set<string | undefined>()
  for (let seed = 0; seed < 200; seed += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'espalier-image-'))
    folders.push(folder)
    writeImage(trace, cut, new SeededRandom(seed), folder)
    seen.add(readdirSync(folder).includes(name) ? readFileSync(join(folder, name), 'latin1') : undefined)
  }
  return seen
}

const open = (flags = 'O_RDWR', descriptor = 5): string =>
  `10 openat(AT_FDCWD, ${quoted('/d/f')}, ${flags}, 0664) = ${descriptor}`
const write = (text: string, offset: number, descriptor = 5): string =>
  `10 pwrite64(${descriptor}, ${quoted(text)}, ${text.length}, ${offset}) = ${text.length}`
const openFolder = [`10 openat(AT_FDCWD, ${quoted('/d')}, O_RDONLY) = 9`, '10 fsync(9) = 0']

test('a synced write is kept, a later one may be there or not', () => {
  const lines = [open('O_RDWR|O_CREAT'), ...openFolder, write('aa', 0), '10 fdatasync(5) = 0', write('bb', 2)]
  expect(possible(lines, 5)).toEqual(new Set(['aa']))
  expect(possible(lines, 6)).toEqual(new Set(['aa', 'aabb']))
})

test('a sync covers what had ended before it began, and counts once it has ended', () => {
  const lines = [
    open('O_RDWR|O_CREAT'),
    ...openFolder,
    write('aa', 0),
    `11 pwrite64(5, ${quoted('bb')}, 2, 2 <unfinished ...>`,
    '10 fdatasync(5 <unfinished ...>',
    '11 <... pwrite64 resumed>) = 2',
    '10 <... fdatasync resumed>) = 0',
    write('cc', 4),
  ]
  expect(possible(lines, 6)).toEqual(new Set(['', 'aa', 'aabb', '\0\0bb']))
  expect(possible(lines, 8)).toEqual(new Set(['aa', 'aabb']))
})

test('a write through an O_DSYNC descriptor is durable when it returns', () => {
  const lines = [open('O_RDWR|O_CREAT'), ...openFolder, open('O_WRONLY|O_DSYNC', 6), write('aa', 0, 6), write('bb', 2)]
  expect(possible(lines, 5)).toEqual(new Set(['aa']))
  expect(possible(lines, 4)).toEqual(new Set(['']))
})

test('a write is torn at 512 bytes of the file, never within', () => {
  const lines = [open('O_RDWR|O_CREAT'), ...openFolder, write(`${'a'.repeat(12)}${'b'.repeat(512)}`, 500)]
  const shapes = new Set([...possible(lines, 4)].map((bytes) => bytes?.replaceAll('\0', '')))
  expect(shapes).toEqual(new Set(['', 'a'.repeat(12), 'b'.repeat(512), 'a'.repeat(12) + 'b'.repeat(512)]))
})

test('writev goes on where lseek has put it', () => {
  const lines = [
    open('O_RDWR|O_CREAT'),
    ...openFolder,
    '10 lseek(5, 2, SEEK_SET) = 2',
    `10 writev(5, [{iov_base=${quoted('ab')}, iov_len=2}, {iov_base=${quoted('cd')}, iov_len=2}], 2) = 4`,
    `10 write(5, ${quoted('e')}, 1) = 1`,
    '10 fsync(5) = 0',
  ]
  expect(possible(lines, 7)).toEqual(new Set(['\0\0abcde']))
})

test('a name is safe once its folder is synced; a link shares the file', () => {
  const lines = [
    `10 openat(AT_FDCWD, ${quoted('/d/draft')}, O_RDWR|O_CREAT) = 5`,
    write('aa', 0),
    '10 fsync(5) = 0',
    `10 link(${quoted('/d/draft')}, ${quoted('/d/f')}) = 0`,
    ...openFolder,
    `10 unlink(${quoted('/d/draft')}) = 0`,
  ]
  expect(possible(lines, 5)).toEqual(new Set(['aa', undefined]))
  expect(possible(lines, 6)).toEqual(new Set(['aa']))
  expect(possible(lines, 7, 'draft')).toEqual(new Set(['aa', undefined]))
})

test('what would escape the trace is an error', () => {
  const opened = open()
  const map = '10 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f0000000000'
  expect(() => readDiskTrace([opened, map].join('\n'), '/d')).toThrow('memory map')
  expect(() => readDiskTrace([opened, '10 ftruncate(5, 10) = 0'].join('\n'), '/d')).toThrow('ftruncate')
})

test('what was printed before the cut was acknowledged', () => {
  const lines = [`10 write(1, ${quoted('a 1\n')}, 4) = 4`, `10 write(1, ${quoted('b 3\na 2\n')}, 8) = 8`]
  const trace = readDiskTrace(lines.join('\n'), '/d')
  expect(acknowledgedBefore(trace, 1)).toEqual({ a: 1 })
  expect(acknowledgedBefore(trace, 2)).toEqual({ a: 2, b: 3 })
})
