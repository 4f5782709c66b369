//! Activations and attention weights whose derivative is made along with their value. Burn keeps the argument of an
//! exponential or a sigmoid and computes the function again on the way back, which on a CPU costs as much as a product of
//! matrices; and a quotient of large tensors, as in its softmax, takes five tensors on the way back.

use burn::tensor::{Tensor, activation};

use super::Dropout;

/// `value`, with `slope` as its derivative by `x`: `value + slope (x - x)`, of which only the last `x` is seen by autodiff.
fn with_slope<const D: usize>(x: Tensor<D>, value: Tensor<D>, slope: Tensor<D>) -> Tensor<D> {
    let zero = x.clone().sub(x.without_autodiff());
    zero.mul(slope).add(value)
}

/// `x gate`, with `gate` a sigmoid `s` of `u(x)`; `times_inner_slope` multiplies by `u'`.
fn gated(x: Tensor<3>, gate: Tensor<3>, times_inner_slope: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
    let value = x.clone().without_autodiff().mul(gate.clone());
    if !x.is_tracked() {
        return value;
    }
    // s + x s (1 - s) u'
    let slope = times_inner_slope(gate.clone().neg().add_scalar(1.0).mul(value.clone())).add(gate);
    with_slope(x, value, slope)
}

/// `1 / (1 + exp(-x))`. The tensor library's CPU kernel chooses between two forms by the sign of each number, which a
/// processor cannot foresee: that alone takes longer than the exponential. An infinite exponential gives 0, as it should.
fn sigmoid(x: Tensor<3>) -> Tensor<3> {
    x.neg().exp().add_scalar(1.0).recip()
}

/// `x sigmoid(x)`
pub(super) fn silu(x: Tensor<3>) -> Tensor<3> {
    let gate = sigmoid(x.clone().without_autodiff());
    gated(x, gate, |slope| slope)
}

/// The tanh form of GELU, written as `x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))`: the same function with fewer tensors,
/// since `(1 + tanh(u)) / 2 = sigmoid(2 u)`.
pub(super) fn gelu_tanh(x: Tensor<3>) -> Tensor<3> {
    const SCALE: f64 = 2.0 * 0.797_884_560_802_865_4; // 2 sqrt(2 / pi)
    const CUBIC: f64 = 0.044715 * SCALE;
    let constant = x.clone().without_autodiff();
    let square = constant.clone().square();
    let gate = sigmoid(square.clone().mul_scalar(CUBIC).add_scalar(SCALE).mul(constant));
    gated(x, gate, |slope| slope.mul(square.mul_scalar(3.0 * CUBIC).add_scalar(SCALE)))
}

/// What queries take from values: `mix` of `softmax(scores)`, dropped out. While training, the sum that a softmax divides by
/// is taken off afterwards, where there are fewer numbers.
///
/// # Shapes
/// `scores`: `[B, H, Q, L]`; `mask`: a shape that spreads to it, added to the scores; what `mix` gives: `[B, H, Q, K]`
pub(super) fn attend(
    scores: Tensor<4>,
    mask: Tensor<4>,
    dropout: &mut Dropout,
    mix: impl FnOnce(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    if !scores.is_tracked() && !mask.is_tracked() {
        return mix(dropout.attention(activation::softmax(scores.add(mask), 3)));
    }
    // A mask that is a constant need not be seen by autodiff.
    let tracked = if mask.is_tracked() { scores.clone().add(mask.clone()) } else { scores.clone() };
    let masked = scores.without_autodiff().add(mask.without_autodiff());
    let most = masked.clone().max_dim(3);
    let weights = masked.sub(most).exp();
    let weights = with_slope(tracked, weights.clone(), weights);
    let sum = weights.clone().sum_dim(3);
    mix(dropout.attention(weights)).div(sum)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Values of `-3, -2.9, ... 3`, and what autodiff makes of `f`: values and derivatives of a weighted sum.
    fn value_and_derivative(f: impl FnOnce(Tensor<3>) -> Tensor<3>) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex().autodiff();
        let numbers: Vec<f32> = (-30..=30).map(|tenth| tenth as f32 / 10.0).collect();
        let x = Tensor::<1>::from_floats(numbers.as_slice(), &device).reshape([1, 1, -1]).require_grad();
        let y = f(x.clone());
        let weights = Tensor::<3>::from_data(x.clone().square().add_scalar(0.5).into_data(), &device);
        let gradients = y.clone().mul(weights).sum().backward();
        let of = |tensor: Tensor<3>| tensor.into_data().try_to_vec().unwrap();
        (of(y), of(x.grad(&gradients).unwrap()))
    }

    #[track_caller]
    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 2e-6 * expected.abs().max(1.0), "{found}, not {expected}");
        }
    }

    #[test]
    fn activations_and_their_derivatives_are_those_of_the_tensor_library() {
        for (ours, theirs) in [
            (value_and_derivative(silu), value_and_derivative(activation::silu)),
            (value_and_derivative(gelu_tanh), value_and_derivative(activation::gelu_approximate)),
        ] {
            close(&ours.0, &theirs.0);
            close(&ours.1, &theirs.1);
        }
    }

    #[test]
    fn a_sigmoid_is_that_of_the_tensor_library_and_has_no_trouble_with_large_numbers() {
        let numbers: Vec<f32> = (-300..=300).map(|third| third as f32 / 3.0).chain([-1e4, 1e4]).collect();
        let x = Tensor::<1>::from_floats(numbers.as_slice(), &Device::flex()).reshape([1, 1, -1]);
        let of = |tensor: Tensor<3>| tensor.into_data().try_to_vec::<f32>().unwrap();
        let (ours, theirs) = (of(sigmoid(x.clone())), of(activation::sigmoid(x)));
        for ((x, ours), theirs) in numbers.iter().zip(&ours).zip(&theirs) {
            assert!((ours - theirs).abs() <= 1e-6 * theirs.max(1e-30), "{x}: {ours}, not {theirs}");
        }
        assert_eq!(ours[ours.len() - 2..], [0.0, 1.0]);
    }

    #[test]
    fn without_autodiff_values_are_the_same() {
        let x = Tensor::<3>::from_floats([[[-2.0, -0.5, 0.0, 3.0]]], &Device::flex());
        let tracked = |x: Tensor<3>| x.autodiff().require_grad();
        assert_eq!(silu(x.clone()).into_data(), silu(tracked(x.clone())).into_data());
        assert_eq!(gelu_tanh(x.clone()).into_data(), gelu_tanh(tracked(x)).into_data());
    }

    /// Two heads of two queries and three keys; the first query does not see the last key.
    fn inputs(device: &Device) -> [Tensor<4>; 3] {
        let scores = [[[[0.3, -1.0, 2.0], [4.0, 0.1, -2.0]], [[0.0, 0.5, 1.0], [-3.0, 1.5, 0.25]]]];
        let mask = [[[[0.0, 0.0, -1e9], [0.0, 0.0, 0.0]]]];
        let values = [[[[1.0, 2.0], [-1.0, 0.5], [3.0, 7.0]], [[0.0, 1.0], [2.0, 2.0], [-4.0, 9.0]]]];
        [
            Tensor::from_floats(scores, device),
            Tensor::from_floats(mask, device),
            Tensor::from_floats(values, device),
        ]
    }

    /// The result, and its derivatives by scores, mask and values.
    fn attended(attend: impl FnOnce(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>) -> Vec<Vec<f32>> {
        let device = Device::flex().autodiff();
        let inputs = inputs(&device).map(Tensor::require_grad);
        let [scores, mask, values] = inputs.clone();
        let y = attend(scores, mask, values);
        let weights = Tensor::from_floats([[[[1.0, -2.0], [0.5, 3.0]], [[2.0, 0.25], [-1.0, 1.0]]]], &device);
        let gradients = y.clone().mul(weights).sum().backward();
        let of = |tensor: Tensor<4>| tensor.into_data().try_to_vec().unwrap();
        let mut found = vec![of(y)];
        found.extend(inputs.iter().map(|input| of(input.grad(&gradients).unwrap())));
        found
    }

    #[test]
    fn attention_and_its_derivatives_are_those_of_softmax() {
        let ours = attended(|scores, mask, values| {
            attend(scores, mask, &mut Dropout::off(), |weights| weights.matmul(values))
        });
        let theirs = attended(|scores, mask, values| activation::softmax(scores.add(mask), 3).matmul(values));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            close(ours, theirs);
        }
        // The derivative by the masked score is 0.
        assert_eq!(ours[1][2], 0.0);
    }

    #[test]
    fn a_constant_mask_changes_no_derivative() {
        let with = |constant: bool| {
            let device = Device::flex().autodiff();
            let [scores, mask, values] = inputs(&device);
            let scores = scores.require_grad();
            let mask = if constant { mask } else { mask.require_grad() };
            let y = attend(scores.clone(), mask, &mut Dropout::off(), |weights| weights.matmul(values));
            let gradients = y.square().sum().backward();
            scores.grad(&gradients).unwrap().into_data()
        };
        assert_eq!(with(true), with(false));
    }
}
