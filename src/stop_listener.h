// Something outside the reactors that wants to know when the engine has stopped.
#pragma once

namespace pollux {

class StopListener {
public:
    virtual ~StopListener() = default;

    /// Every reactor has stopped. Called once, on whatever thread saw it.
    virtual void on_engine_stopped() = 0;
};

}  // namespace pollux
