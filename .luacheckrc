-- .luacheckrc: what Redis gives a script, and how the scripts are put together. A piece or a verb
-- in lua/ is a part of a chunk: names of other parts are checked in the bundles (build/lua).
std = {
    globals = {},
    read_globals = {
        'KEYS', 'ARGV',
        redis = {fields = {
            'call', 'pcall', 'error_reply', 'status_reply', 'REDIS_VERSION_NUM',
        }},
        struct = {fields = {'pack', 'unpack'}},
        bit = {fields = {'bxor'}},
        math = {fields = {'ceil', 'floor', 'min', 'max'}},
        string = {fields = {'byte', 'char', 'find', 'format', 'rep', 'sub'}},
        table = {fields = {'concat', 'sort'}},
        'error', 'ipairs', 'pairs', 'pcall', 'tonumber', 'type',
    },
}
max_line_length = 100
-- in a bundle: what a verb does not need of a shared piece is there too
files['build/lua'] = {ignore = {'211', '221', '231'}, max_line_length = false}
files['lua/*.lua'] = {ignore = {'111', '112', '113', '211', '231'}}
