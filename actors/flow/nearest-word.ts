// Help with misspelt words.

/** ` Did you mean "…"?` for the known word nearest to `word`, or nothing if none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const limit = Math.min(2, Math.floor(word.length / 2))
  let nearest: string | undefined
  let nearestDistance = limit + 1
  for (const each of known) {
    if (Math.abs(each.length - word.length) > limit) continue
    const distance = editDistance(word.toLowerCase(), each.toLowerCase())
    if (distance < nearestDistance) {
      nearest = each
      nearestDistance = distance
    }
  }
  return nearest === undefined ? '' : `. Did you mean "${nearest}"?`
}

/** `known words`, at most 20 of them. */
export function listOf(known: readonly string[]): string {
  if (known.length === 0) return 'none'
  const shown = known.slice(0, 20).join(', ')
  return known.length > 20 ? `${shown} and ${known.length - 20} more` : shown
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
