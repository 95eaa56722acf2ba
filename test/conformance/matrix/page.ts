// The coverage matrix as a page, and what is wrong with it: rows that nothing shows, and names of what is not there.

import { relative } from 'node:path'
import type { Row, Section } from './row.ts'

/** What rows may name. */
export interface Evidence {
  /** Scenarios by `kind/name`. */
  readonly scenarios: ReadonlyMap<string, { readonly path: string; readonly text: string }>
  /** The titles of tests by file. */
  readonly tests: ReadonlyMap<string, ReadonlySet<string>>
}

/** Every complaint about the rows, each naming its row. */
export function complaints(sections: readonly Section[], evidence: Evidence): string[] {
  return sections.flatMap((section) =>
    section.groups.flatMap(({ title, rows }) =>
      rows.flatMap((row) =>
        wrongWith(row, section, evidence).map((what) => `${section.title}, ${title}, ${row.otp}: ${what}`),
      ),
    ),
  )
}

function wrongWith(row: Row, section: Section, { scenarios, tests }: Evidence): string[] {
  const wrong: string[] = []
  const { scenarios: named = [], tests: titles = [], has = [], differs } = row
  if (named.length + titles.length === 0 && differs === undefined) wrong.push('no scenario, no test, no statement')
  if (named.length === 0 && has.length > 0) wrong.push('says what its scenarios have, and names none')
  for (const name of named) {
    const scenario = scenarios.get(fullName(name, section))
    if (scenario === undefined) wrong.push(`no scenario ${fullName(name, section)}`)
    else for (const part of has) if (!scenario.text.includes(part)) wrong.push(`${name} does not have ${part}`)
  }
  for (const reference of titles) {
    const { file, title } = testOf(reference)
    if (tests.get(file)?.has(title) !== true) wrong.push(`no test "${title}" in ${file}`)
  }
  return wrong
}

const preamble = `# Conformance with Erlang/OTP 25

Every option, return and error of the manual pages of \`supervisor\`, \`gen_server\`, \`gen_statem\`, \`sys\`, and of links,
monitors and exit signals in \`erlang\`: what it is called here, and what shows that it does the same. A scenario is played
by real OTP and by us, and the traces are compared byte for byte (\`npm run -s conformance -- test/conformance\`); a test
stands where the scenarios’ format has no word for it. Where we differ on purpose, the row says so.

Made from test/conformance/matrix by \`npm run -s conformance:matrix\`; a row that nothing shows fails the build.
`

/** The page, as Markdown. `folder` is the one it lies in: links are relative to it. */
export function page(sections: readonly Section[], evidence: Evidence, folder: string): string {
  const rows = sections.flatMap(({ groups }) => groups.flatMap(({ rows: list }) => list))
  const count = (holds: (row: Row) => boolean) => rows.filter(holds).length
  const compared = count((row) => row.scenarios !== undefined)
  const tested = count((row) => row.scenarios === undefined && row.tests !== undefined)
  const counts = `${rows.length} rows: ${compared} shown by scenarios, ${tested} by tests alone, ${
    rows.length - compared - tested
  } only stated.`
  return [preamble, `${counts}\n`, ...sections.map((section) => sectionOf(section, evidence, folder))].join('\n')
}

function sectionOf(section: Section, evidence: Evidence, folder: string): string {
  const groups = section.groups.map(
    ({ title, rows }) =>
      `### ${title}\n\n| OTP | Espalier | Shown by, and where we differ |\n| --- | --- | --- |\n${rows
        .map((row) => `| ${[row.otp, row.ours, shownBy(row, section, evidence, folder)].map(cell).join(' | ')} |\n`)
        .join('')}`,
  )
  return [`## ${section.title}: ${section.manual}\n`, ...groups].join('\n')
}

function shownBy(row: Row, section: Section, { scenarios }: Evidence, folder: string): string {
  const played = (row.scenarios ?? []).map((name) => {
    const path = scenarios.get(fullName(name, section))?.path
    return path === undefined ? name : `[${name}](${relative(folder, path)})`
  })
  const tested = (row.tests ?? []).map((reference) => {
    const { file, title } = testOf(reference)
    return `test [${title}](${relative(folder, file)})`
  })
  const shown = [...played, ...tested].join(', ')
  return [shown, row.differs ?? ''].filter((part) => part !== '').join('. ')
}

/** Text in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function fullName(name: string, section: Section): string {
  return name.includes('/') ? name : `${section.kind}/${name}`
}

function testOf(reference: string): { readonly file: string; readonly title: string } {
  const end = reference.indexOf(': ')
  return { file: `test/${reference.slice(0, end)}.test.ts`, title: reference.slice(end + 2) }
}
