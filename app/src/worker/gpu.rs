//! What has to be known and changed of the browser's WebGPU before Burn opens it. Through reflection: web-sys has these types
//! only behind an unstable flag.

use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::messages;
use crate::adapter::{Adapter, is_software};
use crate::failure::Failure;

/// Without timestamps CubeCL panics when it starts. Its matrix products know their place in a subgroup; without that
/// their shaders are refused, and what they should have computed stays zero.
const NEEDED: [&str; 2] = ["timestamp-query", "subgroups"];

/// Called when the device can no longer be trusted.
pub type OnFailure = Rc<dyn Fn(Failure)>;

fn get(target: &JsValue, key: &str) -> JsValue {
    Reflect::get(target, &key.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text(target: &JsValue, key: &str) -> String {
    get(target, key).as_string().unwrap_or_default()
}

fn call(target: &JsValue, name: &str, arguments: &Array) -> Result<JsValue, JsValue> {
    get(target, name).dyn_into::<Function>()?.apply(target, arguments)
}

async fn awaited(value: JsValue) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&value)).await
}

/// `navigator.gpu`, where the browser has it.
fn gpu() -> Option<JsValue> {
    let gpu = get(&get(&js_sys::global(), "navigator"), "gpu");
    gpu.is_object().then_some(gpu)
}

fn has_feature(adapter: &JsValue, name: &str) -> bool {
    let features = get(adapter, "features");
    call(&features, "has", &Array::of1(&name.into())).is_ok_and(|found| found.is_truthy())
}

/// The adapter that the browser would give, or why there is none.
pub async fn adapter() -> Result<Adapter, String> {
    let gpu = gpu().ok_or("this browser does not offer WebGPU here")?;
    let options = Object::new();
    let _ = Reflect::set(&options, &"powerPreference".into(), &"high-performance".into());
    let adapter = match call(&gpu, "requestAdapter", &Array::of1(&options)) {
        Ok(promise) => awaited(promise).await,
        Err(error) => Err(error),
    };
    let adapter = adapter.map_err(|error| format!("WebGPU failed: {}", messages::text_of(&error)))?;
    if !adapter.is_object() {
        return Err("this browser has WebGPU, but found no graphics adapter for it".into());
    }
    let info = get(&adapter, "info");
    let parts = ["vendor", "architecture", "device", "description"].map(|key| text(&info, key));
    let mut named: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    named.dedup();
    let name = if named.is_empty() { "unnamed adapter".to_owned() } else { named.join(", ") };
    let fallback =
        get(&info, "isFallbackAdapter").is_truthy() || get(&adapter, "isFallbackAdapter").is_truthy();
    let software = fallback || is_software(&name);
    let lacks = NEEDED.into_iter().filter(|feature| !has_feature(&adapter, feature)).collect();
    Ok(Adapter { name, software, lacks })
}

/// Features that CubeCL's kernels use and that wgpu does not know by name in a browser, so that it never asks for
/// them: Chromium then refuses the shaders.
const WANTED: [&str; 1] = ["subgroups"];

/// Lets every device that is opened from now on have the features it needs, and reports its errors and its end.
pub fn prepare(on_failure: OnFailure) -> Result<(), String> {
    let gpu = gpu().ok_or("there is no WebGPU")?;
    let original = get(&gpu, "requestAdapter").dyn_into::<Function>().map_err(|_| "WebGPU is incomplete")?;
    let target = gpu.clone();
    let wrapped = Closure::<dyn Fn(JsValue) -> Promise>::new(move |options: JsValue| {
        let asked = original.call1(&target, &options);
        let on_failure = Rc::clone(&on_failure);
        future_to_promise(async move {
            let adapter = awaited(asked?).await?;
            if adapter.is_object() {
                wrap_adapter(&adapter, on_failure)?;
            }
            Ok(adapter)
        })
    });
    Reflect::set(&gpu, &"requestAdapter".into(), wrapped.as_ref())
        .map_err(|error| messages::text_of(&error))?;
    wrapped.forget();
    Ok(())
}

/// The adapter's own `requestDevice`, in front of its prototype's.
fn wrap_adapter(adapter: &JsValue, on_failure: OnFailure) -> Result<(), JsValue> {
    let original = get(adapter, "requestDevice").dyn_into::<Function>()?;
    let target = adapter.clone();
    let wrapped = Closure::<dyn Fn(JsValue) -> Promise>::new(move |descriptor: JsValue| {
        let descriptor = with_features(&target, &descriptor);
        let asked = original.call1(&target, &descriptor);
        let on_failure = Rc::clone(&on_failure);
        future_to_promise(async move {
            let device = awaited(asked?).await?;
            watch(&device, on_failure);
            Ok(device)
        })
    });
    Reflect::set(adapter, &"requestDevice".into(), wrapped.as_ref())?;
    wrapped.forget();
    Ok(())
}

fn with_features(adapter: &JsValue, descriptor: &JsValue) -> JsValue {
    let changed = Object::new();
    if descriptor.is_object() {
        Object::assign(&changed, descriptor.unchecked_ref());
    }
    let asked = get(descriptor, "requiredFeatures");
    let features = if asked.is_object() { Array::from(&asked) } else { Array::new() };
    for name in WANTED {
        if has_feature(adapter, name) && !features.includes(&name.into(), 0) {
            features.push(&name.into());
        }
    }
    let _ = Reflect::set(&changed, &"requiredFeatures".into(), &features);
    changed.into()
}

/// Errors that nobody waits for, and the loss of the device, would otherwise leave wrong numbers behind.
fn watch(device: &JsValue, on_failure: OnFailure) {
    // Where a console, or a test that takes the device away, finds it.
    let _ = Reflect::set(&js_sys::global(), &"promotGpuDevice".into(), device);
    let report = Rc::clone(&on_failure);
    let on_error = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let error = get(&event, "error");
        let class = Object::from(error.clone()).constructor().name();
        let message = format!("The graphics device reported an error ({class}): {}", text(&error, "message"));
        report(if class == "GPUOutOfMemoryError" {
            Failure::out_of_memory(message)
        } else {
            Failure::device(message)
        });
    });
    let arguments = Array::of2(&"uncapturederror".into(), on_error.as_ref());
    let _ = call(device, "addEventListener", &arguments);
    on_error.forget();
    mend_shaders(device, Rc::clone(&on_failure));
    let lost = get(device, "lost");
    wasm_bindgen_futures::spawn_local(async move {
        if let Ok(info) = awaited(lost).await {
            on_failure(Failure::lost_device(&text(&info, "message")));
        }
    });
}

/// Kernels that exchange numbers within a subgroup do so where all its invocations go together, which a browser's
/// compiler cannot always prove and then refuses; native ones do not ask. The rule may be switched off in the shader.
const UNPROVEN: &str = "diagnostic(off, subgroup_uniformity);\n";

fn accepted(descriptor: &JsValue) -> JsValue {
    let code = text(descriptor, "code");
    if !code.contains("enable subgroups;") {
        return descriptor.clone();
    }
    let changed = Object::assign(&Object::new(), descriptor.unchecked_ref());
    let _ = Reflect::set(&changed, &"code".into(), &format!("{UNPROVEN}{code}").into());
    changed.into()
}

/// Makes shaders acceptable. One that is refused all the same shows itself only when it is used, and then without a
/// reason: each one is asked for it.
fn mend_shaders(device: &JsValue, on_failure: OnFailure) {
    let Ok(original) = get(device, "createShaderModule").dyn_into::<Function>() else { return };
    let target = device.clone();
    let wrapped = Closure::<dyn Fn(JsValue) -> Result<JsValue, JsValue>>::new(move |descriptor: JsValue| {
        let module = original.call1(&target, &accepted(&descriptor))?;
        let (asked, on_failure) = (module.clone(), Rc::clone(&on_failure));
        wasm_bindgen_futures::spawn_local(async move {
            if let Some(problem) = refused(&asked).await {
                let label = text(&descriptor, "label");
                let message = format!("The browser refused the shader {label}: {problem}");
                on_failure(Failure::device(message).advice("Start again with ?device=cpu in the address."));
            }
        });
        Ok(module)
    });
    let _ = Reflect::set(device, &"createShaderModule".into(), wrapped.as_ref());
    wrapped.forget();
}

/// The compiler's first error.
async fn refused(module: &JsValue) -> Option<String> {
    let info = awaited(call(module, "getCompilationInfo", &Array::new()).ok()?).await.ok()?;
    let messages = Array::from(&get(&info, "messages"));
    let error = messages.iter().find(|message| text(message, "type") == "error")?;
    Some(format!("line {}: {}", get(&error, "lineNum").as_f64().unwrap_or(0.0), text(&error, "message")))
}
