// Unified diffs of short texts: the longest common subsequence by the plain table.

type Row = { readonly mark: ' ' | '-' | '+'; readonly text: string; readonly a: number; readonly b: number }

/**
 * The unified diff that turns `a` into `b`, with `context` (default 3) unchanged lines around each change.
 * Empty when there is no difference.
 */
export function unifiedDiff(
  a: readonly string[],
  b: readonly string[],
  names: { readonly a: string; readonly b: string },
  context = 3,
): string {
  const rows = align(a, b)
  const changed = rows.flatMap((row, i) => (row.mark === ' ' ? [] : [i]))
  if (changed.length === 0) return ''
  const hunks: string[] = []
  let from = 0
  while (from < changed.length) {
    let to = from
    while (to + 1 < changed.length && (changed[to + 1] ?? 0) - (changed[to] ?? 0) <= 2 * context) to++
    hunks.push(hunk(rows.slice(Math.max(0, (changed[from] ?? 0) - context), (changed[to] ?? 0) + context + 1)))
    from = to + 1
  }
  return [`--- ${names.a}`, `+++ ${names.b}`, ...hunks].join('\n')
}

function hunk(rows: readonly Row[]): string {
  const first = rows[0]
  const count = (mark: '-' | '+') => rows.filter((row) => row.mark === ' ' || row.mark === mark).length
  const start = (line: number, lines: number) => (lines === 0 ? line : line + 1)
  const head = `@@ -${start(first?.a ?? 0, count('-'))},${count('-')} +${start(first?.b ?? 0, count('+'))},${count('+')} @@`
  return [head, ...rows.map((row) => row.mark + row.text)].join('\n')
}

function align(a: readonly string[], b: readonly string[]): Row[] {
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const rows: Row[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const left = a[i]
    const right = b[j]
    if (left !== undefined && left === right) rows.push({ mark: ' ', text: left, a: i++, b: j++ })
    else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1)))
      rows.push({ mark: '-', text: left, a: i++, b: j })
    else rows.push({ mark: '+', text: right ?? '', a: i, b: j++ })
  }
  return rows
}
