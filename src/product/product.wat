;; A · Bᵀ for factors of few columns, four rows by eight columns at a time; see multiplier.ts.
;; A lies in quads of rows, B in panels of eight of its rows, both column behind column: number k of the four, or eight, rows
;; one behind the other, then number k + 1. An element is the sum of its products in order, each rounded: SIMD without fused
;; multiplication is the same on every processor.
(module
  (memory (import "memory" "memory") 1)

  ;; $quad: bytes of a quad. $stride: bytes from row to row of the product, which has whole panels in each row.
  (func (export "multiply")
    (param $left i32) (param $leftEnd i32) (param $right i32) (param $rightEnd i32)
    (param $quad i32) (param $to i32) (param $stride i32)
    (local $a i32) (local $b i32) (local $quadEnd i32) (local $place i32) (local $row i32)
    (local $b0 v128) (local $b1 v128) (local $x v128)
    (local $c00 v128) (local $c01 v128) (local $c10 v128) (local $c11 v128)
    (local $c20 v128) (local $c21 v128) (local $c30 v128) (local $c31 v128)
    (block $done
      (loop $quads
        (br_if $done (i32.ge_u (local.get $left) (local.get $leftEnd)))
        (local.set $quadEnd (i32.add (local.get $left) (local.get $quad)))
        (local.set $b (local.get $right))
        (local.set $place (local.get $to))
        (loop $panels
          (local.set $a (local.get $left))
          (local.set $c00 (v128.const i32x4 0 0 0 0)) (local.set $c01 (v128.const i32x4 0 0 0 0))
          (local.set $c10 (v128.const i32x4 0 0 0 0)) (local.set $c11 (v128.const i32x4 0 0 0 0))
          (local.set $c20 (v128.const i32x4 0 0 0 0)) (local.set $c21 (v128.const i32x4 0 0 0 0))
          (local.set $c30 (v128.const i32x4 0 0 0 0)) (local.set $c31 (v128.const i32x4 0 0 0 0))
          ;; One number at a time: with more, V8 would load them all first, and run out of registers.
          (loop $numbers
            (local.set $b0 (v128.load (local.get $b)))
            (local.set $b1 (v128.load offset=16 (local.get $b)))
            (local.set $x (v128.load32_splat (local.get $a)))
            (local.set $c00 (f32x4.add (local.get $c00) (f32x4.mul (local.get $x) (local.get $b0))))
            (local.set $c01 (f32x4.add (local.get $c01) (f32x4.mul (local.get $x) (local.get $b1))))
            (local.set $x (v128.load32_splat offset=4 (local.get $a)))
            (local.set $c10 (f32x4.add (local.get $c10) (f32x4.mul (local.get $x) (local.get $b0))))
            (local.set $c11 (f32x4.add (local.get $c11) (f32x4.mul (local.get $x) (local.get $b1))))
            (local.set $x (v128.load32_splat offset=8 (local.get $a)))
            (local.set $c20 (f32x4.add (local.get $c20) (f32x4.mul (local.get $x) (local.get $b0))))
            (local.set $c21 (f32x4.add (local.get $c21) (f32x4.mul (local.get $x) (local.get $b1))))
            (local.set $x (v128.load32_splat offset=12 (local.get $a)))
            (local.set $c30 (f32x4.add (local.get $c30) (f32x4.mul (local.get $x) (local.get $b0))))
            (local.set $c31 (f32x4.add (local.get $c31) (f32x4.mul (local.get $x) (local.get $b1))))
            (local.set $b (i32.add (local.get $b) (i32.const 32)))
            (local.set $a (i32.add (local.get $a) (i32.const 16)))
            (br_if $numbers (i32.lt_u (local.get $a) (local.get $quadEnd))))
          (local.set $row (local.get $place))
          (v128.store (local.get $row) (local.get $c00))
          (v128.store offset=16 (local.get $row) (local.get $c01))
          (local.set $row (i32.add (local.get $row) (local.get $stride)))
          (v128.store (local.get $row) (local.get $c10))
          (v128.store offset=16 (local.get $row) (local.get $c11))
          (local.set $row (i32.add (local.get $row) (local.get $stride)))
          (v128.store (local.get $row) (local.get $c20))
          (v128.store offset=16 (local.get $row) (local.get $c21))
          (local.set $row (i32.add (local.get $row) (local.get $stride)))
          (v128.store (local.get $row) (local.get $c30))
          (v128.store offset=16 (local.get $row) (local.get $c31))
          (local.set $place (i32.add (local.get $place) (i32.const 32)))
          (br_if $panels (i32.lt_u (local.get $b) (local.get $rightEnd))))
        (local.set $left (local.get $quadEnd))
        (local.set $to (i32.add (local.get $to) (i32.shl (local.get $stride) (i32.const 2))))
        (br $quads))))
)
