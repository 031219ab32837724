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

  ;; From byte $from to $end, in steps of 32 bytes, to byte $to and after. V8 calls the functions above for every four; what
  ;; nearly all elements need stands here.
  (func (export "bf16") (param $from i32) (param $end i32) (param $to i32)
    (local $a v128) (local $b v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $a (v128.load (local.get $from)))
        (local.set $b (v128.load offset=16 (local.get $from)))
        (if (v128.any_true
              (v128.or
                (f32x4.ne (local.get $a) (local.get $a))
                (f32x4.ne (local.get $b) (local.get $b))))
          (then
            (v128.store (local.get $to)
              (i16x8.narrow_i32x4_u (call $bfloat16 (local.get $a)) (call $bfloat16 (local.get $b)))))
          (else
            ;; The upper halves of what is rounded.
            (v128.store (local.get $to)
              (i8x16.shuffle 2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31
                (i32x4.add (i32x4.add (local.get $a) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff)) (v128.and (i32x4.shr_u (local.get $a) (i32.const 16)) (v128.const i32x4 1 1 1 1)))
                (i32x4.add (i32x4.add (local.get $b) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff)) (v128.and (i32x4.shr_u (local.get $b) (i32.const 16)) (v128.const i32x4 1 1 1 1)))))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $next))))

  (func (export "f16") (param $from i32) (param $end i32) (param $to i32)
    (local $a v128) (local $b v128) (local $magnitudeA v128) (local $magnitudeB v128)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $a (v128.load (local.get $from)))
        (local.set $b (v128.load offset=16 (local.get $from)))
        (local.set $magnitudeA (v128.and (local.get $a) (v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff)))
        (local.set $magnitudeB (v128.and (local.get $b) (v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff)))
        ;; Anything but a normal number?
        (if (v128.any_true
              (v128.or
                (i32x4.ge_u (i32x4.sub (local.get $magnitudeA) (v128.const i32x4 0x38800000 0x38800000 0x38800000 0x38800000)) (v128.const i32x4 0x0f000000 0x0f000000 0x0f000000 0x0f000000))
                (i32x4.ge_u (i32x4.sub (local.get $magnitudeB) (v128.const i32x4 0x38800000 0x38800000 0x38800000 0x38800000)) (v128.const i32x4 0x0f000000 0x0f000000 0x0f000000 0x0f000000))))
          (then
            (v128.store (local.get $to)
              (i16x8.narrow_i32x4_u (call $float16 (local.get $a)) (call $float16 (local.get $b)))))
          (else
            (v128.store (local.get $to)
              (i16x8.narrow_i32x4_u
                (v128.or
                (v128.and (i32x4.shr_u (local.get $a) (i32.const 16)) (v128.const i32x4 0x8000 0x8000 0x8000 0x8000))
                (i32x4.shr_u
                  (i32x4.add
                    (i32x4.sub (local.get $magnitudeA) (v128.const i32x4 0x37fff001 0x37fff001 0x37fff001 0x37fff001))
                    (v128.and (i32x4.shr_u (local.get $magnitudeA) (i32.const 13)) (v128.const i32x4 1 1 1 1)))
                  (i32.const 13)))
                (v128.or
                (v128.and (i32x4.shr_u (local.get $b) (i32.const 16)) (v128.const i32x4 0x8000 0x8000 0x8000 0x8000))
                (i32x4.shr_u
                  (i32x4.add
                    (i32x4.sub (local.get $magnitudeB) (v128.const i32x4 0x37fff001 0x37fff001 0x37fff001 0x37fff001))
                    (v128.and (i32x4.shr_u (local.get $magnitudeB) (i32.const 13)) (v128.const i32x4 1 1 1 1)))
                  (i32.const 13)))))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (br $next))))
)
