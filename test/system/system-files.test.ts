import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemFiles } from '../../src/system/index.ts'

let folder: string
const bytes = (text: string) => new TextEncoder().encode(text)
const textAt = async (path: string) => new TextDecoder().decode(await systemFiles.read(path))
const modeOf = (path: string) => statSync(path).mode & 0o777

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-files-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('a missing file reads as undefined; a folder read as a file rejects', async () => {
  expect(await systemFiles.read(join(folder, 'none'))).toBeUndefined()
  await expect(systemFiles.read(folder)).rejects.toMatchObject({ code: 'EISDIR' })
})

test('replace makes the file, then replaces it, with the mode asked for', async () => {
  const path = join(folder, 'head')
  await systemFiles.replace(path, bytes('one'))
  expect(await textAt(path)).toBe('one')
  await systemFiles.replace(path, bytes('two'), 0o600)
  expect(await textAt(path)).toBe('two')
  expect(modeOf(path)).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['head'])
})

test('a replace that fails leaves the old file and nothing beside it', async () => {
  const path = join(folder, 'head')
  mkdirSync(join(path, 'inside'), { recursive: true })
  await expect(systemFiles.replace(path, bytes('new'))).rejects.toThrow()
  expect(readdirSync(folder)).toEqual(['head'])
  await expect(systemFiles.replace(join(folder, 'no', 'folder'), bytes('new'))).rejects.toMatchObject({
    code: 'ENOENT',
  })
})

test('create writes once: of many at the same moment, one wins and its bytes stay', async () => {
  const path = join(folder, 'key')
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, at) => systemFiles.create(path, bytes(`key ${at}`), 0o600)),
  )
  const winner = made.indexOf(true)
  expect(made.filter(Boolean)).toHaveLength(1)
  expect(await textAt(path)).toBe(`key ${winner}`)
  expect(modeOf(path)).toBe(0o600)
  expect(await systemFiles.create(path, bytes('later'))).toBe(false)
  expect(await textAt(path)).toBe(`key ${winner}`)
  expect(readdirSync(folder)).toEqual(['key'])
})

test('makeFolder makes parents, and again is no error', async () => {
  const path = join(folder, 'a', 'b', 'c')
  await systemFiles.makeFolder(path)
  await systemFiles.makeFolder(path)
  expect(statSync(path).isDirectory()).toBe(true)
  writeFileSync(join(folder, 'file'), '')
  await expect(systemFiles.makeFolder(join(folder, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  chmodSync(folder, 0o755)
})
