// What a table refuses, but for wrong options and full tables, which have errors of their own.

import { EspalierError } from '../kernel/errors.ts'

/**
 * `ERR_TABLE_DELETED`: the table is no more. `ERR_TABLE_NOT_OWNER`: only its owner may write. `ERR_TABLE_BUSY`: an entry
 * has changed faster than it could be read.
 */
export class TableError extends EspalierError {
  readonly table: string

  constructor(code: 'ERR_TABLE_DELETED' | 'ERR_TABLE_NOT_OWNER' | 'ERR_TABLE_BUSY', table: string, message: string) {
    super(code, `table ${table}: ${message}`)
    this.table = table
  }
}
