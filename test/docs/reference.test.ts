import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Application, Logger, LogLevel, TypeDocReader } from 'typedoc'
import { describe, expect, test } from 'vitest'
import { root } from '../house/sources.ts'

const folder = `${root}build/reference-samples`

/** What TypeDoc, under the project's options, says of a module; any of it fails `npm run docs`. */
async function warningsOf(text: string): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/index.ts`, text)
  writeFileSync(
    `${folder}/tsconfig.json`,
    '{ "compilerOptions": { "strict": true, "types": [], "lib": ["ES2023"], "skipLibCheck": true }, "include": ["*.ts"] }',
  )
  const app = await Application.bootstrap(
    {
      options: `${root}typedoc.json`,
      entryPoints: [`${folder}/index.ts`],
      tsconfig: `${folder}/tsconfig.json`,
      readme: 'none',
      skipErrorChecking: true,
      intentionallyNotExported: [],
    },
    [new TypeDocReader()],
  )
  expect(app.options.getValue('treatWarningsAsErrors')).toBe(true)
  const heard: string[] = []
  app.logger = new (class extends Logger {
    override log(message: string, level: LogLevel): void {
      if (level >= LogLevel.Warn) heard.push(message)
    }
  })()
  const project = await app.convert()
  if (!project) throw new Error('the sample does not compile')
  app.validate(project)
  return heard
}

describe('the API reference', () => {
  test('red: no docstring, a link to nothing, a type out of reach, a parameter that is not there', {
    timeout: 60_000,
  }, async () => {
    const heard = await warningsOf(`
      /** Twice \`x\`. See {@link half}. */
      export const twice = (x: number) => 2 * x
      /** Half. */
      export const half = (x: number) => x / 2

      export function undocumented() {}

      /** See {@link Nowhere}. */
      export const lost = 1

      interface Hidden { x: number }
      /** Shows it. */
      export function show(hidden: Hidden) { return hidden }

      /**
       * One.
       * @param gone nothing
       */
      export function one() {}
    `)
    const about = (name: string) => heard.filter((message) => message.includes(name)).length
    expect(['undocumented', 'Nowhere', 'Hidden', 'gone'].map(about)).toEqual([1, 1, 1, 1])
    expect(heard, heard.join('\n')).toHaveLength(4)
  })
})
