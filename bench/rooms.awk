# awk -f rooms.awk DWARF MAP: bytes of flash and of RAM by room, "FLASH RAM ROOM" a line.
#
# A program is optimised as one, so its map names no files of ours. What lies at an address, and of which
# file it was, the debugging information tells (DWARF: `readelf -wi PROGRAM`); how large it is, the linker's
# MAP. What the compiler has put into its caller counts there.

# An address as a key: mawk's numbers end at 2^31 where they become one.
function key(text) {
    sub(/^(0x)?0*/, "", text)
    return text
}

function hex(text,    i, value) {
    sub(/^0x/, "", text)
    for (i = 1; i <= length(text); i++)
        value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    return value
}

# What a source file belongs to: its folder, or the library that it is of.
function room_of(path) {
    if (match(path, /\/deps\/[^\/]+/)) return substr(path, RSTART + 6, RLENGTH - 6)
    if (match(path, /(^|\/)(services|ports|net|boards)\/[^.\/]+(\/[^.\/]+)?\/[^\/]+$/) ||
        match(path, /[^\/]+\/[^\/]+$/))
        path = substr(path, RSTART)
    sub(/^\//, "", path)
    sub(/\/[^\/]+$/, "", path)
    return path ~ /^keys$/ ? "image" : path
}

# ---- DWARF: of which unit each function and variable is ----

FNR == NR && match($0, /^ *<[0-9a-f]+><[0-9a-f]+>/) {
    entry = $0
    sub(/^ *<[0-9a-f]+></, "", entry)
    sub(/>.*/, "", entry)
    is_unit = /DW_TAG_compile_unit/
    is_ours = /DW_TAG_(subprogram|variable)/
    if (is_unit) unit = ""
    if (is_ours) unit_of[entry] = unit
    next
}
FNR == NR && is_unit && /DW_AT_name/ { unit = $NF; is_unit = 0; next }
FNR == NR && is_ours && /DW_AT_name/ {
    name = $NF
    if (!(name in unit_of_name)) {
        unit_of_name[name] = unit
        entry_of_name[name] = entry
    }
    next
}
FNR == NR && is_ours && /DW_AT_declaration/ && entry_of_name[name] == entry { delete unit_of_name[name] }
FNR == NR && is_ours && /DW_AT_(abstract_origin|specification)/ {
    origin[entry] = $NF
    gsub(/[<>]|0x/, "", origin[entry])
    next
}
FNR == NR && is_ours && /DW_AT_low_pc/ { place[entry] = key($NF); next }
FNR == NR && is_ours && /DW_AT_location.*\(DW_OP_addr: [0-9a-f]+\)/ {
    text = $NF
    sub(/\)/, "", text)
    place[entry] = key(text)
    next
}
FNR == NR { next }

# ---- the map ----

FNR == 1 {
    for (entry in place) {
        last = entry
        while (last in origin) last = origin[last]
        if (unit_of[last] != "" && unit_of[last] !~ /^</) file_at[place[entry]] = unit_of[last]
    }
}

# A section without a symbol: the texts of a function, .rodata.NAME.str1.1.
function file_by_name(section) {
    sub(/^\.[a-z]+\./, "", section)
    sub(/\.str[0-9.]*$/, "", section)
    sub(/\.(lto_priv|constprop|part|isra|cold)\..*$/, "", section)
    return section in unit_of_name ? unit_of_name[section] : ""
}

function room_in_map(section, address, path,    file) {
    if (path ~ /lib(gcc|c|m)\.a/) return "C library"
    if (path !~ /ltrans/) {
        if (match(path, /libroom_[a-z0-9_]+|room_[a-z0-9_]+\.dir/)) {
            sub(/^.*room_/, "", path)
            sub(/[._].*/, "", path)
            return path
        }
        if (match(path, /libdep_[a-z0-9]+/)) return substr(path, RSTART + 7, RLENGTH - 7)
        return path ~ /^firmware\// ? "firmware" : "linker"
    }
    file = address in file_at ? file_at[address] : file_by_name(section)
    return file == "" ? "unnamed" : room_of(file)
}

function add(section, address, size, path,    room) {
    if (!size) return
    room = room_in_map(section, key(address), path)
    if (out ~ /^\.(bss|noinit|shared)/) ram[room] += size
    else flash[room] += size
    if (out == ".data") ram[room] += size
    if (verbose) print room, section, size > "/dev/stderr"
    seen[room] = 1
}

/^Linker script and memory map/ { on = 1 }
/^\.[a-z]/ { out = $1; held = ""; if (on && out == ".stack") { ram["stack"] += hex($3); seen["stack"] = 1 } }
/^\/DISCARD\// { out = "" }
!on || out !~ /^\.(vectors|values|text|data|bss|noinit|shared)$/ { next }
/^ [.A-Z]/ && NF == 1 { held = $1; next }
/^ [.A-Z]/ && $2 ~ /^0x/ && $3 ~ /^0x/ { held = $1; add($1, $2, hex($3), $4); next }
/^ +0x/ && $2 ~ /^0x/ { add(held, $1, hex($2), $3) }
/^ \*fill\*/ { flash_fill += hex($3) }
END {
    for (room in seen) printf "%d %d %s\n", flash[room], ram[room], room
}
