;; Rounds float32 to sixteen bits, to nearest even, eight elements at a time; see convert.ts.
(module
  (memory (import "staging" "memory") 14)

  ;; The four bfloat16 of float32 bits, in 32 bits each.
  (func $bfloat16 (param $bits v128) (result v128)
    (v128.bitselect
      ;; A quiet NaN must stay one: rounding could carry its payload into the exponent.
      (v128.or (i32x4.shr_u (local.get $bits) (i32.const 16)) (v128.const i32x4 0x40 0x40 0x40 0x40))
      (i32x4.shr_u
        (i32x4.add
          (i32x4.add (local.get $bits) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff))
          (v128.and (i32x4.shr_u (local.get $bits) (i32.const 16)) (v128.const i32x4 1 1 1 1)))
        (i32.const 16))
      (i32x4.gt_s
        (v128.and (local.get $bits) (v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff))
        (v128.const i32x4 0x7f800000 0x7f800000 0x7f800000 0x7f800000))))

  ;; The four float16 of float32 bits, in 32 bits each.
  (func $float16 (param $bits v128) (result v128)
    (local $magnitude v128)
    (local.set $magnitude
      (v128.and (local.get $bits) (v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff)))
    (v128.or
      (v128.and (i32x4.shr_u (local.get $bits) (i32.const 16)) (v128.const i32x4 0x8000 0x8000 0x8000 0x8000))
      (v128.bitselect
        ;; 2^16 and above is infinity, or NaN with as much of its payload as fits.
        (v128.bitselect
          (v128.or
            (v128.const i32x4 0x7e00 0x7e00 0x7e00 0x7e00)
            (v128.and
              (i32x4.shr_u (local.get $magnitude) (i32.const 13))
              (v128.const i32x4 0x3ff 0x3ff 0x3ff 0x3ff)))
          (v128.const i32x4 0x7c00 0x7c00 0x7c00 0x7c00)
          (i32x4.gt_s (local.get $magnitude) (v128.const i32x4 0x7f800000 0x7f800000 0x7f800000 0x7f800000)))
        (v128.bitselect
          ;; Normal: rebias the exponent from 127 to 15 and round off 13 bits; a carry may reach infinity, rightly.
          (i32x4.shr_u
            (i32x4.add
              (i32x4.sub (local.get $magnitude) (v128.const i32x4 0x37fff001 0x37fff001 0x37fff001 0x37fff001))
              (v128.and (i32x4.shr_u (local.get $magnitude) (i32.const 13)) (v128.const i32x4 1 1 1 1)))
            (i32.const 13))
          ;; Subnormal: the last bit of 0.5 is the smallest float16, so that adding 0.5 rounds to it.
          (i32x4.sub
            (f32x4.add (local.get $magnitude) (v128.const f32x4 0.5 0.5 0.5 0.5))
            (v128.const f32x4 0.5 0.5 0.5 0.5))
          (i32x4.ge_s (local.get $magnitude) (v128.const i32x4 0x38800000 0x38800000 0x38800000 0x38800000)))
        (i32x4.ge_s (local.get $magnitude) (v128.const i32x4 0x47800000 0x47800000 0x47800000 0x47800000)))))

  ;; From byte $from to $end, in steps of 32 bytes, to byte $to and after.
  (func (export "bf16") (param $from i32) (param $end i32) (param $to i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (v128.store (local.get $to)
          (i16x8.narrow_i32x4_u
            (call $bfloat16 (v128.load (local.get $from)))
            (call $bfloat16 (v128.load offset=16 (local.get $from)))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $next))))

  (func (export "f16") (param $from i32) (param $end i32) (param $to i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (v128.store (local.get $to)
          (i16x8.narrow_i32x4_u
            (call $float16 (v128.load (local.get $from)))
            (call $float16 (v128.load offset=16 (local.get $from)))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $next)))))
