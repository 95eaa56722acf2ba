import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createSystemPorts, systemModules } from '../../src/system/index.ts'

test('random numbers are unsigned 32-bit integers that differ', () => {
  const { random } = createSystemPorts()
  const drawn = Array.from({ length: 1000 }, () => random.uint32())
  expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true)
  expect(new Set(drawn).size).toBeGreaterThan(990)
})

test('secrets have the size asked for, differ, and share no buffer', () => {
  const { secrets } = createSystemPorts()
  const one = secrets.bytes(32)
  const two = secrets.bytes(32)
  expect(one).toHaveLength(32)
  expect(one.buffer.byteLength).toBe(32)
  expect(one).not.toEqual(two)
})

test('soon comes before I/O and timers, later after', async () => {
  const { turns } = createSystemPorts()
  const order: string[] = []
  await new Promise<void>((settle) => {
    turns.later(() => {
      order.push('later')
      settle()
    })
    turns.soon(() => order.push('soon'))
    order.push('now')
  })
  expect(order).toEqual(['now', 'soon', 'later'])
})

test('a module gives its export; a missing export or module rejects and says which', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-modules-'))
  const url = pathToFileURL(join(folder, 'census.mjs')).href
  writeFileSync(join(folder, 'census.mjs'), 'export const count = () => 42; export const other = undefined')
  try {
    const count = await systemModules.load(url, 'count')
    expect(typeof count === 'function' && count()).toBe(42)
    expect(await systemModules.load(url, 'other')).toBeUndefined()
    await expect(systemModules.load(url, 'toString')).rejects.toMatchObject({
      code: 'ERR_EXPORT_MISSING',
      message: `${url} has no export "toString"; it exports count, other`,
    })
    await expect(systemModules.load(`${url}.gone`, 'count')).rejects.toThrow('census.mjs.gone')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
