// The rows of the operations of supervisor(3).

import type { Group } from './row.ts'

export const localNames =
  'A supervisor is a `Ref`, a pid or a name of its own node; there are no global names and no `via`.'

export const operationGroups: readonly Group[] = [
  {
    title: 'start_child/2',
    rows: [
      {
        otp: '`{ok, Child}`',
        ours: "`call('start_child', spec)`: `{ ok }`",
        scenarios: ['start_child_dups', 'root_dynamic_kept', 'nested_start_child_dynamic'],
        has: ['"op":"start_child"'],
      },
      { otp: '`{ok, Child, Info}`', ours: '—', differs: 'A start has no second result.' },
      {
        otp: '`{ok, undefined}`: the child ignores',
        ours: '`{ ok: undefined }`',
        scenarios: ['start_child_ignores', 'sofo_start_failures'],
        has: ['{"t":["ok","undefined"]}'],
      },
      {
        otp: '`{error, already_present}`',
        ours: 'the same',
        scenarios: ['start_child_dups'],
        has: ['"already_present"'],
      },
      {
        otp: '`{error, {already_started, Child}}`',
        ours: 'the same',
        scenarios: ['start_child_dups'],
        has: ['"already_started"'],
      },
      {
        otp: '`{error, Error}`: the start fails; the specification is discarded',
        ours: 'the same',
        scenarios: ['start_child_fails', 'sofo_start_failures'],
        has: ['["result",{"t":["error",'],
      },
      {
        otp: '`{error, Error}`: the specification is wrong',
        ours: 'the same',
        scenarios: ['start_child_bad_spec', 'significant_start_child'],
        has: ['["result",{"t":["error",'],
      },
      {
        otp: '`simple_one_for_one`: a list of arguments is appended to the template’s',
        ours: 'the argument takes the place of the template’s',
        scenarios: ['sofo_basic', 'x_sofo_ops'],
        has: ['"args":'],
        differs: 'A definition takes one argument.',
      },
      {
        otp: '`SupRef`: pid or local name',
        ours: '`Ref`, `node.whereis(definition, name)`',
        tests: ['kernel/names: finds a server with its protocol'],
      },
      { otp: '`{Name, Node}`, `{global, …}`, `{via, …}`', ours: '—', differs: localNames },
    ],
  },
  {
    title: 'terminate_child/2',
    rows: [
      {
        otp: '`ok`; the specification is kept',
        ours: "`'ok'`",
        scenarios: ['terminate_child_kinds', 'nested_terminate_restart', 'x_terminate_child_restarting'],
        has: ['"op":"terminate_child"', '["result","ok"]'],
      },
      {
        otp: 'of a temporary child it is deleted',
        ours: 'the same',
        scenarios: ['terminate_child_twice'],
        has: ['"restart":"temporary"'],
      },
      {
        otp: '`{error, not_found}`',
        ours: 'the same',
        scenarios: ['terminate_child_twice', 'x_terminate_by_pid'],
        has: ['["error","not_found"]'],
      },
      {
        otp: '`simple_one_for_one`: by pid',
        ours: 'the same',
        scenarios: ['sofo_terminate_by_pid', 'x_sofo_terminate_restarting'],
        has: ['"op":"terminate_child"', '"pid":'],
      },
      {
        otp: 'the pid of a live process that is no child of it: `{error, not_found}`',
        ours: 'the same',
        scenarios: ['sofo_terminate_foreign'],
        has: ['["error","not_found"]'],
      },
      {
        otp: '`{error, simple_one_for_one}`: by id',
        ours: 'the same',
        scenarios: ['sofo_terminate_by_pid', 'x_sofo_ops'],
        has: ['["error","simple_one_for_one"]'],
      },
      {
        otp: 'it never counts as the end of a significant child',
        ours: 'the same',
        scenarios: ['significant_terminate_child', 'x_auto_terminate_child'],
        has: ['"op":"terminate_child"'],
      },
    ],
  },
  {
    title: 'restart_child/2',
    rows: [
      {
        otp: '`{ok, Child}`',
        ours: 'the same',
        scenarios: ['restart_child', 'x_restart_child_kinds', 'nested_terminate_restart'],
        has: ['"op":"restart_child"'],
      },
      {
        otp: '`{ok, undefined}`: the child ignores',
        ours: '`{ ok: undefined }`',
        scenarios: ['restart_child_ignores'],
        has: ['"op":"restart_child"', '["result",{"t":["ok","undefined"]}]'],
      },
      {
        otp: '`{error, running}`',
        ours: 'the same',
        scenarios: ['restart_child'],
        has: ['["error","running"]'],
      },
      {
        otp: '`{error, restarting}`',
        ours: 'the same',
        scenarios: ['restart_child_restarting'],
        has: ['["error","restarting"]'],
      },
      {
        otp: '`{error, not_found}`; always for temporary children that have ended',
        ours: 'the same',
        scenarios: ['restart_child', 'x_restart_child_temporary'],
        has: ['["error","not_found"]'],
      },
      {
        otp: '`{error, simple_one_for_one}`',
        ours: 'the same',
        scenarios: ['x_sofo_ops', 'sofo_terminate_foreign'],
        has: ['"op":"restart_child"', '["error","simple_one_for_one"]'],
      },
      {
        otp: '`{error, Error}`: the start fails',
        ours: 'the same',
        scenarios: ['restart_child'],
        has: ['"op":"restart_child"'],
      },
    ],
  },
  {
    title: 'delete_child/2',
    rows: [
      { otp: '`ok`', ours: "`'ok'`", scenarios: ['delete_child', 'ofa_after_delete'], has: ['"op":"delete_child"'] },
      {
        otp: '`{error, running}`',
        ours: 'the same',
        scenarios: ['delete_child'],
        has: ['["error","running"]'],
      },
      {
        otp: '`{error, restarting}`',
        ours: 'the same',
        scenarios: ['x_delete_child_restarting'],
        has: ['["error","restarting"]'],
      },
      {
        otp: '`{error, not_found}`',
        ours: 'the same',
        scenarios: ['delete_child'],
        has: ['["error","not_found"]'],
      },
      {
        otp: '`{error, simple_one_for_one}`',
        ours: 'the same',
        scenarios: ['x_sofo_ops', 'sofo_terminate_foreign'],
        has: ['"op":"delete_child"', '["error","simple_one_for_one"]'],
      },
    ],
  },
  {
    title: 'Looking',
    rows: [
      {
        otp: '`which_children/1`: `{Id, Child, Type, Modules}`',
        ours: '`{ id, child, type, modules }`',
        scenarios: ['start_child_fails', 'ignore_children'],
        has: ['"op":"which_children"', '"worker"]'],
      },
      {
        otp: '`Id` undefined for `simple_one_for_one`',
        ours: 'the same',
        scenarios: ['sofo_terminate_by_pid', 'x_sofo_which_restarting'],
        has: ['["undefined",'],
      },
      {
        otp: '`Child`: `restarting`, `undefined`',
        ours: 'the same',
        scenarios: ['restart_child_restarting', 'x_sofo_which_restarting'],
        has: ['"restarting"'],
      },
      {
        otp: '`count_children/1`: specs, active, supervisors, workers',
        ours: 'the same',
        scenarios: ['sofo_basic', 'start_child_ignores', 'x_sofo_count_restarting'],
        has: ['"op":"count_children"'],
      },
      {
        otp: '`get_childspec/2`: `{ok, ChildSpec}` with every key',
        ours: 'the same',
        scenarios: ['get_childspec', 'shutdown_defaults', 'x_get_childspec_restarting'],
        has: ['"op":"get_childspec"', '["result",{"t":["ok",['],
      },
      {
        otp: '`get_childspec/2` by pid',
        ours: 'the same',
        scenarios: ['x_sofo_ops', 'sofo_terminate_foreign'],
        has: ['"op":"get_childspec"', '"pid":'],
      },
      {
        otp: '`{error, not_found}`',
        ours: 'the same',
        scenarios: ['get_childspec'],
        has: ['["error","not_found"]'],
      },
    ],
  },
  {
    title: 'check_childspecs/1,2',
    rows: [
      { otp: '`ok`', ours: "`checkChildSpecs`: `'ok'`", scenarios: ['check_ok'], has: ['["result","ok"]'] },
      {
        otp: '`{error, Error}`, one error per field',
        ours: 'the same',
        scenarios: ['check_each_field', 'check_bad_type', 'check_bad_restart', 'check_bad_shutdown', 'x_check_modules'],
        has: ['"op":"check_childspecs"', '["result",{"t":["error",'],
      },
      {
        otp: '`{duplicate_child_name, Id}`',
        ours: 'the same',
        scenarios: ['check_duplicate', 'x_check_duplicate_order'],
        has: ['"duplicate_child_name"'],
      },
      {
        otp: 'of several errors the first in OTP’s order',
        ours: 'the same',
        scenarios: ['x_check_spec_order', 'x_check_significant_order', 'x_check_flags_order', 'x_check_flags_first'],
      },
      {
        otp: '`AutoShutdown`: `undefined`, or checked too',
        ours: 'second argument',
        scenarios: ['check_significant', 'check_each_field'],
        has: ['"op":"check_childspecs"', '"auto_shutdown":'],
      },
      {
        otp: 'an invalid `AutoShutdown`: `{badarg, …}`',
        ours: 'the same',
        scenarios: ['check_each_field'],
        has: ['["badarg","always"]'],
      },
    ],
  },
]
