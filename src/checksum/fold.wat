;; Folds a message so that what is left of it at its end has the CRC-32 of the whole; see crc32.ts for why.
;; A block is 16 bytes. Distances, in bytes: 300 * 16 = 4800, (300 - 211) * 16 = 1424, (300 - 183) * 16 = 1872,
;; (300 - 145) * 16 = 2480.
(module
  ;; See staging.ts for what lies where.
  (memory (export "memory") 80)

  ;; For each block from byte p + 4800 to end + 4800, four at a time: adds the blocks 300, 211, 183 and 145 before it.
  (func (export "fold") (param $p i32) (param $end i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (v128.store offset=4800 (local.get $p)
          (v128.xor (v128.load offset=4800 (local.get $p))
            (v128.xor
              (v128.xor (v128.load (local.get $p)) (v128.load offset=1424 (local.get $p)))
              (v128.xor (v128.load offset=1872 (local.get $p)) (v128.load offset=2480 (local.get $p))))))
        (v128.store offset=4816 (local.get $p)
          (v128.xor (v128.load offset=4816 (local.get $p))
            (v128.xor
              (v128.xor (v128.load offset=16 (local.get $p)) (v128.load offset=1440 (local.get $p)))
              (v128.xor (v128.load offset=1888 (local.get $p)) (v128.load offset=2496 (local.get $p))))))
        (v128.store offset=4832 (local.get $p)
          (v128.xor (v128.load offset=4832 (local.get $p))
            (v128.xor
              (v128.xor (v128.load offset=32 (local.get $p)) (v128.load offset=1456 (local.get $p)))
              (v128.xor (v128.load offset=1904 (local.get $p)) (v128.load offset=2512 (local.get $p))))))
        (v128.store offset=4848 (local.get $p)
          (v128.xor (v128.load offset=4848 (local.get $p))
            (v128.xor
              (v128.xor (v128.load offset=48 (local.get $p)) (v128.load offset=1472 (local.get $p)))
              (v128.xor (v128.load offset=1920 (local.get $p)) (v128.load offset=2528 (local.get $p))))))
        (local.set $p (i32.add (local.get $p) (i32.const 64)))
        (br $next))))

  ;; Adds the blocks from byte $from to $end to those from byte $to on.
  (func (export "add") (param $to i32) (param $from i32) (param $end i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (v128.store (local.get $to) (v128.xor (v128.load (local.get $to)) (v128.load (local.get $from))))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (br $next)))))
