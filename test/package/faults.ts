// The package check's opposite: ways in which a package goes wrong, each planted into the packed tarball or the sample. A
// run with one of them must turn red at the step named beside it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { command } from './command.ts'
import type { Bench } from './steps.ts'

interface Fault {
  /** The step that must catch it. */
  readonly caughtBy: string
  /** Changes the unpacked package. */
  readonly plant?: (unpacked: string) => void
  readonly sample?: (sample: Bench['sample']) => Bench['sample']
}

export const faults: Readonly<Record<string, Fault>> = {
  'stray-file': {
    caughtBy: 'the tarball holds what it should, and nothing else',
    plant: (unpacked) => writeFileSync(`${unpacked}/dist/notes.txt`, 'not for users'),
  },
  'missing-export': {
    caughtBy: 'publint',
    plant: (unpacked) => rmSync(`${unpacked}/dist/src/simulation/index.js`),
  },
  'wrong-types': {
    caughtBy: 'are the types wrong',
    plant: (unpacked) => {
      const path = `${unpacked}/dist/src/index.d.ts`
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(from '\.[^']*)\.(js|ts)'/g, "$1'"))
    },
  },
  'wrong-program': {
    caughtBy: 'a program compiles against it, its own types checked too',
    sample: ({ code, output }) => ({ code: `${code}const text: string = sum\n`, output }),
  },
  'wrong-output': {
    caughtBy: 'the program runs',
    sample: ({ code }) => ({ code, output: 'something else' }),
  },
}

/** The bench with the fault in it. */
export async function plant(fault: Fault, bench: Bench): Promise<Bench> {
  const sample = fault.sample?.(bench.sample) ?? bench.sample
  if (!fault.plant) return { ...bench, sample }
  const { folder, deadline } = bench
  mkdirSync(`${folder}/faulty`)
  await command(['tar', '-xzf', bench.tarball, '-C', `${folder}/faulty`], { cwd: folder, deadline })
  fault.plant(`${folder}/faulty/package`)
  const tarball = `${folder}/faulty.tgz`
  await command(['tar', '-czf', tarball, '-C', `${folder}/faulty`, 'package'], { cwd: folder, deadline })
  return { ...bench, sample, tarball }
}
