// The layout of scenario files: one line per child, rule, step and segment, so that a diff of two files reads well.
// Printing a recorded file again gives the same bytes.

import type { Child, Scenario, Trace, Tree } from './scenario.ts'

/** The file of a scenario, its trace included if it has one. Ends with a newline. */
export function formatScenario(scenario: Scenario): string {
  const lines = Object.entries(scenario).map(([key, value]) => ` ${JSON.stringify(key)}:${field(key, value)}`)
  return `{\n${lines.join(',\n')}\n}\n`

  function field(key: string, value: unknown): string {
    if (key === 'tree' && scenario.kind === 'supervisor') return formatTree(scenario.tree, 2)
    if (key === 'steps' || key === 'rules' || key === 'trace') return list(value as readonly unknown[])
    return JSON.stringify(value)
  }
}

function list(items: readonly unknown[]): string {
  if (items.length === 0) return '[]'
  return `[\n${items.map((item) => `  ${JSON.stringify(item)}`).join(',\n')}\n ]`
}

function formatTree(tree: Tree, indent: number): string {
  return object(tree, (key, value) =>
    key === 'children' ? children(tree.children ?? [], indent) : JSON.stringify(value),
  )
}

function children(items: readonly Child[], indent: number): string {
  if (items.length === 0) return '[]'
  const lines = items.map((child) => {
    const text = object(child, (key, value) =>
      key === 'tree' && child.tree !== undefined ? formatTree(child.tree, indent + 2) : JSON.stringify(value),
    )
    return `${' '.repeat(indent)}${text}`
  })
  return `[\n${lines.join(',\n')}]`
}

function object(value: object, show: (key: string, value: unknown) => string): string {
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${show(key, item)}`)
    .join(',')}}`
}

/** A trace as lines: a heading per segment, one event per line below it. What diffs are made of. */
export function traceLines(trace: Trace, scenario: Scenario): string[] {
  return trace.flatMap((segment, i) => [
    heading(i, trace.length, scenario),
    ...segment.map((e) => `  ${JSON.stringify(e)}`),
  ])
}

function heading(index: number, length: number, scenario: Scenario): string {
  if (index === 0) return 'start'
  const step = scenario.steps[index - 1]
  return index === length - 1 || step === undefined ? 'final' : `step ${index} ${JSON.stringify(step)}`
}
